"""The names of PanNuke: types of nuclei in the order of its mask channels, and tissues."""

from __future__ import annotations

#: Channel k of `masks.npy` holds type k + 1 of a type map; the last channel is the background.
TYPES = ("neoplastic", "inflammatory", "connective", "dead", "epithelial")
CHANNELS = (*TYPES, "background")

TISSUES = (
    "Adrenal_gland", "Bile-duct", "Bladder", "Breast", "Cervix", "Colon", "Esophagus", "HeadNeck",
    "Kidney", "Liver", "Lung", "Ovarian", "Pancreatic", "Prostate", "Skin", "Stomach", "Testis",
    "Thyroid", "Uterus",
)  # fmt: skip
