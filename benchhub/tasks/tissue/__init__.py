"""Which of nine tissues a patch of colorectal tissue shows: NCT-CRC-HE's layout and a phantom."""
