import numpy as np

from operators.sets.crops import cut, elsewhere, square


def test_a_crop_has_the_pixels_of_its_box() -> None:
    picture = np.arange(100).reshape(10, 10)
    np.testing.assert_array_equal(cut(picture, (2, 3, 2, 1)), [[32, 33]])


def test_beyond_the_edge_the_edge_goes_on() -> None:
    picture = np.arange(9).reshape(3, 3)
    crop = cut(picture, (-1, 1, 3, 3))
    np.testing.assert_array_equal(crop, [[3, 3, 4], [6, 6, 7], [6, 6, 7]])


def test_a_box_without_size_has_one_pixel() -> None:
    assert cut(np.zeros((5, 5)), (2.2, 2.2, 0, 0)).shape == (1, 1)


def test_a_box_has_its_size_around_it() -> None:
    assert square((10, 20, 6, 4), 2.0) == (7, 16, 12, 12)


def test_background_never_meets_a_box_with_all_that_is_around_it() -> None:
    rng, boxes = np.random.default_rng(0), [(20.0, 20.0, 10.0, 10.0), (60.0, 10.0, 5.0, 20.0)]
    found = [elsewhere((8, 6), boxes, (50, 100), 2.0, rng) for _ in range(200)]
    assert len(set(found)) == 200
    shown = np.zeros((50, 100))
    for left, top, width, height in boxes:
        cut(shown, (left, top, width, height))
        shown[int(top) : int(top + height), int(left) : int(left + width)] = 1
    for box in found:
        assert box is not None
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[0] + box[2] <= 100
        assert box[1] + box[3] <= 50
        assert not cut(shown, square(box, 1.9)).any()


def test_where_everything_is_taken_there_is_no_background() -> None:
    rng = np.random.default_rng(0)
    assert elsewhere((8, 6), [(0, 0, 100, 50)], (50, 100), 2.0, rng) is None
    assert elsewhere((8, 60), [], (50, 100), 2.0, rng) is None
