// On-screen text: at the top left of both eyes, a bit before the screen, for a moment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "viewer/osd.h"

#define WIDTH 960
#define HEIGHT 540

// Draws into black; how many pixels of an eye are bright, and where the first column of them is.
static int draw(struct osd *osd, uint8_t *pixels, int64_t pts_ns, int eye, int *out_left)
{
    struct stereo_frame f = {
        .pts_ns = pts_ns,
        .aspect = (double)WIDTH / HEIGHT,
        .eyes = {WIDTH, HEIGHT, {pixels, pixels + WIDTH * HEIGHT * 4}, WIDTH * 4},
    };
    int count = 0;

    memset(pixels, 0, 2 * WIDTH * HEIGHT * 4);
    osd_draw(osd, NULL, &f);
    *out_left = WIDTH;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            if (f.eyes.pixels[eye][(y * WIDTH + x) * 4] < 200)
                continue;
            assert_true(x < WIDTH * 3 / 4 && y < HEIGHT / 4);
            *out_left = x < *out_left ? x : *out_left;
            count++;
        }
    }
    return count;
}

static void for_a_moment(void **state)
{
    struct osd *osd = osd_create();
    uint8_t *pixels = mem_new(2 * WIDTH * HEIGHT, 4);
    int64_t pts_ns = 0, begin_ns;
    int left, right, count;

    assert_non_null(osd);
    assert_int_equal(draw(osd, pixels, pts_ns, 0, &left), 0);
    begin_ns = clock_now_ns();
    osd_show(osd, "Volume %d %%", 85);
    count = draw(osd, pixels, pts_ns, 0, &left);
    assert_true(count > 200);
    assert_int_equal(draw(osd, pixels, pts_ns, 1, &right), count);
    // 0.3 % of 960
    assert_int_equal(left - right, 3);

    osd_show(osd, "%s", "{\\pos(900,500)}\\N{braces} are no commands");
    assert_true(draw(osd, pixels, pts_ns, 0, &left) > count);
    while (draw(osd, pixels, pts_ns += 40 * NS_PER_MS, 0, &left) > 0) {
        assert_true(clock_now_ns() - begin_ns < 10 * NS_PER_S);
        clock_sleep_until_ns(clock_now_ns() + 40 * NS_PER_MS);
    }
    assert_true(clock_now_ns() - begin_ns > NS_PER_S);
    osd_show(osd, "again");
    assert_true(draw(osd, pixels, pts_ns, 0, &left) > 100);
    osd_destroy(&osd);
    mem_free(pixels);
}

static void nobody_there(void **state)
{
    osd_show(NULL, "nothing");
    osd_draw(NULL, NULL, &(struct stereo_frame){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_a_moment),
        cmocka_unit_test(nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
