from loopback_sshd import no_ssh_agent, sshd

__all__ = ["no_ssh_agent", "sshd"]
