"""Files of others: what they may take once unpacked, and one line for all that is wrong in one."""
