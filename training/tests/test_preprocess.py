"""bag-2 step by step (docs/MODEL_CONTRACT.md)."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from lanescope.goldens import draw_bag, draw_frame
from lanescope.preprocess import (
    HiddenError,
    NoBagError,
    NoGroundError,
    crop_and_flatten,
    decode,
    locate,
    looks,
    normalise,
    prepare,
    trim_frame,
)

WHITE, GREY, TINTED = (255, 255, 255), (195, 197, 194), (210, 224, 224)


def belt(height: int, width: int, ground: tuple[int, int, int] = (240, 244, 250)) -> np.ndarray:
    return np.full((height, width, 3), ground, np.uint8)


def test_box_is_the_bags_cells_grown_by_one() -> None:
    image = belt(300, 512)
    image[100:200, 200:320] = (200, 120, 40)
    located = locate(image)  # k = 2
    assert located.background.tolist() == [240, 244, 250]
    assert located.bags == ((198, 98, 322, 202),)
    assert located.statistics.aspect == pytest.approx(124 / 104)
    assert located.statistics.bag_share == pytest.approx(50 * 60 / (150 * 256))
    assert located.statistics.brightness == pytest.approx(120)


def test_a_box_at_the_edge_takes_the_rest_that_the_grid_ignores() -> None:
    image = belt(301, 513, WHITE)  # k = 3: grid 171 x 100, one row is left over
    image[150:, 300:] = (100, 100, 100)
    assert locate(image).box == (297, 147, 513, 301)


@pytest.mark.parametrize("ground", [WHITE, (228, 228, 226), GREY, TINTED, (170, 172, 170)])
def test_the_ground_is_found_on_white_grey_and_tinted_belts(ground: tuple[int, int, int]) -> None:
    located = locate(draw_bag(700, 520, ground, 7, ("gun",)))
    assert np.abs(located.background.astype(int) - ground).max() <= 2
    x0, _, x1, _ = located.box
    assert 20 < x0 < 120 and x1 < 690, "the belt itself is no bag"
    crop = crop_and_flatten(draw_bag(700, 520, ground, 7), located.box, located.background, 320)
    assert (crop[0] > 245).all(), "and is white afterwards"


@pytest.mark.parametrize("fill", [(30, 30, 30), (200, 120, 40)])
def test_where_no_ground_can_be_told_there_is_no_score(fill: tuple[int, int, int]) -> None:
    with pytest.raises(NoGroundError):
        locate(np.full((100, 100, 3), fill, np.uint8))
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    with pytest.raises(NoGroundError):
        locate(noise)


def test_bags_of_a_frame_are_told_apart_and_read_from_left_to_right() -> None:
    located = locate(draw_frame())
    assert len(located.bags) == 4
    assert [bag[0] for bag in located.bags] == sorted(bag[0] for bag in located.bags)
    assert located.bags[0][0] == 0, "a bag cut by the frame's edge counts"
    assert [look.bag for look in looks(located, 1400, 600)] == [0, 1, 2, 3]


def test_a_small_thing_far_off_is_a_bag_of_its_own_and_near_by_part_of_one() -> None:
    image = belt(256, 256)
    image[100:200, 100:200] = 90
    image[10:20, 10:20] = 90  # 1 % of the bag and far away: it may be a gun on the belt
    assert len(locate(image).bags) == 2
    image = belt(256, 256)
    image[100:200, 100:200] = 90
    image[100:110, 205:215] = 90
    assert locate(image).bags == ((99, 99, 216, 201),)


def test_specks_and_lines_along_the_rim_are_no_bags() -> None:
    image = belt(256, 256)
    image[100:200, 100:200] = 90
    image[20:24, 20:24] = 0
    image[:, 0] = 90
    assert locate(image).bags == ((99, 99, 201, 201),)


def test_dark_frames_at_the_edges_are_left_off() -> None:
    image = belt(400, 512)
    image[100:200, 200:320] = (200, 120, 40)
    plain = locate(image)
    image[-6:], image[:, -9:] = 8, 12
    assert trim_frame(image) == (0, 0, 512 - 11, 400 - 8)
    assert [np.abs(np.subtract(a, b)).max() <= 2 for a, b in zip(locate(image).bags, plain.bags, strict=True)] == [True]


def test_a_long_bag_is_looked_at_in_overlapping_parts() -> None:
    image = belt(300, 1200)
    image[50:250, 100:1100] = (200, 120, 40)
    found = looks(locate(image), 1200, 300)
    whole, parts = found[0], found[1:]
    assert len(parts) == 6 or len(parts) == 5
    assert parts[0].box[0] == whole.box[0] and parts[-1].box[2] == whole.box[2]
    for a, b in pairwise(parts):
        assert a.box[2] - b.box[0] >= 0.2 * (a.box[2] - a.box[0])


def test_nothing_on_the_belt_is_an_error_not_a_score() -> None:
    with pytest.raises(NoBagError):
        locate(belt(200, 200))
    speck = belt(256, 256)
    speck[5:10, 5:10] = 0
    with pytest.raises(NoBagError):
        locate(speck)


def test_flattening_makes_the_belt_white_and_keeps_black() -> None:
    image = belt(200, 200)
    image[50:150, 50:150] = 0
    located = locate(image)
    crop = crop_and_flatten(image, located.box, located.background, 102)
    assert crop.shape == (102, 102, 3) and crop[0, 0].tolist() == [255, 255, 255] and crop[51, 51].tolist() == [0, 0, 0]


def test_padding_and_coordinates_go_both_ways() -> None:
    image = belt(400, 800)
    image[100:300, 200:540] = 100
    (prepared,) = prepare(image, 128)
    assert prepared.pixels.shape == (128, 128, 3) and prepared.size[0] == 128
    assert (prepared.pixels[: prepared.offset[1]] == 255).all()
    px, py = prepared.from_original(0.5, 0.5)
    assert prepared.to_original(px / 128, py / 128) == pytest.approx((0.5, 0.5))
    assert prepared.to_original(0.5, 0.0)[1] < 0.25  # above the bag


def test_decoding_turns_flattens_and_reduces() -> None:
    def encoded(image: Image.Image, **options: object) -> io.BytesIO:
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        buffer.seek(0)
        return buffer

    clear = Image.new("RGBA", (4, 3), (255, 0, 0, 0))
    assert (decode(encoded(clear)) == 255).all()
    deep = Image.fromarray(np.full((3, 4), 0x8000, np.uint16))
    assert (decode(encoded(deep)) == 0x80).all()
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(Image.new("RGB", (4, 3)), exif=exif.tobytes())).shape == (4, 3, 3)


def rgba(band: np.ndarray, rgb: np.ndarray | None = None) -> io.BytesIO:
    """A PNG of 20 x 30 with this fourth band."""
    colours = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8) if rgb is None else rgb
    buffer = io.BytesIO()
    Image.fromarray(np.dstack([colours, band.astype(np.uint8)]), "RGBA").save(buffer, "PNG")
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_fourth_band_of_one_value_says_nothing(value: int) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    assert (decode(rgba(np.full((20, 30), value))) == colours).all()


def test_an_outline_cut_out_is_white_and_nothing_else_is() -> None:
    colours = np.full((20, 30, 3), 90, np.uint8)
    band = np.full((20, 30), 255)
    band[:5] = 0
    assert (decode(rgba(band, colours))[:5] == 255).all() and (decode(rgba(band, colours))[5:] == 90).all()
    band[10:12, 10:12] = 0  # not at the edge: an object of that colour
    with pytest.raises(HiddenError):
        decode(rgba(band, colours))
    band[10:12, 10:12] = 128
    with pytest.raises(HiddenError):
        decode(rgba(band, colours))
    with pytest.raises(HiddenError):  # what is cut out differs: something is hidden
        decode(rgba(np.where(np.arange(20)[:, None] < 5, 0, 255) * np.ones((1, 30))))


def test_normalise_layout() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[..., 0] = 255
    assert normalise(pixels, (0.5,) * 3, (0.5,) * 3)[0, :, 0, 0].tolist() == [1, -1, -1]
