"""Options of heads, as people mistype them."""

import pytest

from swin_keras.errors import UsageError
from swin_keras.models import SegmentationHead
from swin_keras.tasks.detect import head_of


@pytest.mark.parametrize("make", [SegmentationHead, lambda **o: head_of("light", o)])
def test_a_mistyped_field_of_a_head_gets_the_nearest_name(make):
    with pytest.raises(UsageError, match=r"no option 'chanels'.*'channels'"):
        make(chanels=8)
