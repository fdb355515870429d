"""The queue of a device, from the controller: looked at, waited in, and kept out of by others."""
