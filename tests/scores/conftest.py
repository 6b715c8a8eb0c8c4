"""Figures of pycocotools; `golden/make_coco.py` makes them."""

collect_ignore = ["golden/make_coco.py"]  # needs pycocotools
