// Where the eyes' pictures go in windows of all sizes and shapes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <cmocka.h>

#include "viewer/window_layout.h"

static const double aspects[] = {16.0 / 9, 4.0 / 3, 1, 9.0 / 16, 2.39, 0.01, 100};

// Inside the window, centred, of the same size, side by side or one above the other.
static void check_places(const struct window_place *p, int count, int width, int height)
{
    const struct window_place *last = &p[count - 1];
    int right = last->x + last->width, bottom = last->y + last->height;

    assert_true(p[0].x >= 0 && p[0].y >= 0 && p[0].width >= 1 && p[0].height >= 1);
    assert_true(right <= width && bottom <= height);
    assert_in_range(width - right - p[0].x + 1, 1, 2); // the odd pixel is on the right
    assert_in_range(height - bottom - p[0].y + 1, 1, 2);
    if (count == 2) {
        assert_int_equal(p[0].width, p[1].width);
        assert_int_equal(p[0].height, p[1].height);
        assert_int_equal(p[0].eye, 0);
        assert_int_equal(p[1].eye, 1);
        assert_true((p[1].x == p[0].x + p[0].width && p[1].y == p[0].y) ||
                    (p[1].y == p[0].y + p[0].height && p[1].x == p[0].x));
    }
}

// As large as it can be, within a pixel, and of the right shape.
static void check_size(const struct window_place *p, double shape, double width, double height)
{
    double fit_width = fmin(width, height * shape), fit_height = fmin(height, width / shape);

    assert_true(fabs(p->width - fit_width) <= 1 || p->width == 1);
    assert_true(fabs(p->height - fit_height) <= 1 || p->height == 1);
}

static void check_window(int width, int height, double aspect)
{
    for (int layout = 0; layout < LAYOUT_COUNT; layout++) {
        struct window_place p[2];
        int count = window_layout_places((enum stereo_layout)layout, aspect, width, height, p);
        // of one eye's picture, and how many of them share the window in each direction
        double shape = layout == LAYOUT_HALF_SIDE_BY_SIDE ? aspect / 2 : aspect;
        int across = layout == LAYOUT_SIDE_BY_SIDE || layout == LAYOUT_HALF_SIDE_BY_SIDE ? 2 : 1;
        int down = layout == LAYOUT_TOP_BOTTOM ? 2 : 1;

        assert_int_equal(count, across * down);
        check_places(p, count, width, height);
        if (width >= 64 && height >= 64)
            check_size(p, shape, (double)width / across, (double)height / down);
    }
}

static void test_places(void **state)
{
    static const int sides[] = {2, 3, 64, 65, 333, 720, 1080, 1281, 4096, 16384};
    enum { SIDES = sizeof(sides) / sizeof(sides[0]) };

    for (int i = 0; i < SIDES * SIDES; i++)
        for (size_t a = 0; a < sizeof(aspects) / sizeof(aspects[0]); a++)
            check_window(sides[i / SIDES], sides[i % SIDES], aspects[a]);
}

static void test_which_eye(void **state)
{
    struct window_place p[2];

    window_layout_places(LAYOUT_LEFT, 1.5, 300, 200, p);
    assert_int_equal(p[0].eye, 0);
    window_layout_places(LAYOUT_RIGHT, 1.5, 300, 200, p);
    assert_int_equal(p[0].eye, 1);
    window_layout_places(LAYOUT_ANAGLYPH, 1.5, 300, 200, p);
    assert_int_equal(p[0].eye, 0);
}

// What 3D televisions take: each eye exactly half of a full screen.
static void test_half_side_by_side_fills_a_television(void **state)
{
    struct window_place p[2];

    window_layout_places(LAYOUT_HALF_SIDE_BY_SIDE, 16.0 / 9, 1920, 1080, p);
    for (int eye = 0; eye < 2; eye++) {
        assert_int_equal(p[eye].x, eye * 960);
        assert_int_equal(p[eye].y, 0);
        assert_int_equal(p[eye].width, 960);
        assert_int_equal(p[eye].height, 1080);
    }
}

static void test_taps(void **state)
{
    assert_int_equal(window_layout_taps(100, 1000, false), 1);
    assert_int_equal(window_layout_taps(1000, 1000, false), 1);
    assert_int_equal(window_layout_taps(1250, 1000, false), 1);
    assert_int_equal(window_layout_taps(1251, 1000, false), 2);
    assert_int_equal(window_layout_taps(2001, 1000, false), 3);
    assert_int_equal(window_layout_taps(16384, 1, false), 8);
    assert_int_equal(window_layout_taps(2000, 1000, true), 1);
    assert_int_equal(window_layout_taps(2001, 1000, true), 2);
    assert_int_equal(window_layout_taps(16384, 1, true), 8);
    assert_int_equal(window_layout_taps(1, 16384, true), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_which_eye),
        cmocka_unit_test(test_half_side_by_side_fills_a_television),
        cmocka_unit_test(test_taps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
