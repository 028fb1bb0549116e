// stereo_ring: order, due frames, mirrors, seeks, ends and stops; two threads; memory that fails.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/stereo_ring.h"

static void publish(struct stereo_ring *ring, int64_t pts_ns, unsigned generation)
{
    struct stereo_frame *f = stereo_ring_acquire(ring, 4, 2, DEEP3D_MEMORY_HOST);

    assert_non_null(f);
    memset(f->eyes.pixels[0], 1, f->eyes.stride_bytes * 2);
    memset(f->eyes.pixels[1], 2, f->eyes.stride_bytes * 2);
    f->pts_ns = pts_ns;
    f->duration_ns = 10;
    f->generation = generation;
    assert_true(stereo_ring_publish(ring, f));
}

static void the_latest_due_frame_is_taken(void **state)
{
    struct stereo_ring *ring = stereo_ring_create(5, NULL);
    struct stereo_frame *a, *b;
    int64_t time, end;

    assert_null(stereo_ring_due(ring, 100, 0));
    assert_false(stereo_ring_first(ring, &time, &end));
    assert_false(stereo_ring_shown(ring, &time) || stereo_ring_waiting(ring, &time));
    publish(ring, 100, 0);
    publish(ring, 110, 0);
    publish(ring, 120, 0);
    assert_true(stereo_ring_first(ring, &time, &end));
    assert_int_equal(time, 100);
    assert_int_equal(end, 110);
    a = stereo_ring_due(ring, CLOCK_NONE, 0); // the first one, whatever the time
    assert_int_equal(a->pts_ns, 100);
    assert_null(stereo_ring_due(ring, CLOCK_NONE, a->number));
    assert_null(stereo_ring_due(ring, 109, a->number));
    assert_true(stereo_ring_shown(ring, &time));
    assert_int_equal(time, 100);
    assert_true(stereo_ring_waiting(ring, &time));
    assert_int_equal(time, 110);
    b = stereo_ring_due(ring, 125, a->number); // passes over 110
    assert_int_equal(b->pts_ns, 120);
    assert_int_equal(stereo_ring_skipped(ring), 1);
    assert_true(stereo_ring_shown(ring, &time));
    assert_int_equal(time, 120);
    assert_false(stereo_ring_waiting(ring, &time));
    stereo_ring_release(ring, a);
    stereo_ring_release(ring, b);
    stereo_ring_release(ring, NULL);
    assert_false(stereo_ring_drained(ring, &time));
    stereo_ring_end(ring);
    assert_true(stereo_ring_drained(ring, &time));
    assert_int_equal(time, 130);
    stereo_ring_destroy(&ring);
    assert_null(ring);
    stereo_ring_destroy(&ring);
}

static void a_mirror_shows_what_the_first_display_took(void **state)
{
    struct stereo_ring *ring = stereo_ring_create(3, NULL);
    struct stereo_frame *first, *mirror;

    assert_null(stereo_ring_current(ring, 0));
    publish(ring, 0, 0);
    assert_null(stereo_ring_current(ring, 0));
    first = stereo_ring_due(ring, 0, 0);
    mirror = stereo_ring_current(ring, 0);
    assert_ptr_equal(first, mirror);
    assert_null(stereo_ring_current(ring, mirror->number));
    stereo_ring_release(ring, first);
    stereo_ring_release(ring, mirror);
    for (int i = 1; i < 50; i++) { // no slot is lost on the way
        publish(ring, i, 0);
        first = stereo_ring_due(ring, i, (uint64_t)i);
        assert_int_equal(first->pts_ns, i);
        mirror = stereo_ring_current(ring, (uint64_t)i);
        stereo_ring_release(ring, first);
        stereo_ring_release(ring, mirror);
    }
    stereo_ring_destroy(&ring);
}

static void a_seek_drops_what_waits(void **state)
{
    struct stereo_ring *ring = stereo_ring_create(3, NULL);
    struct stereo_frame *f;
    int64_t time;

    publish(ring, 100, 0);
    publish(ring, 110, 0);
    stereo_ring_end(ring);
    stereo_ring_restart(ring, 1);
    assert_false(stereo_ring_drained(ring, &time));
    assert_null(stereo_ring_due(ring, 1000, 0));
    publish(ring, 120, 0); // was under way when the seek came
    assert_null(stereo_ring_due(ring, 1000, 0));
    publish(ring, 50, 1);
    f = stereo_ring_due(ring, 0, 0);
    assert_int_equal(f->pts_ns, 50);
    assert_int_equal(stereo_ring_skipped(ring), 3); // two that waited, and the one under way
    stereo_ring_release(ring, f);
    stereo_ring_destroy(&ring);
}

#define FRAMES 2000

static void produce(void *user)
{
    for (int i = 0; i < FRAMES; i++)
        publish(user, i, 0);
    stereo_ring_end(user);
}

static void next_gives_every_frame_in_order(void **state)
{
    struct stereo_ring *ring = stereo_ring_create(4, NULL);
    struct stereo_frame *f;
    struct thread thread = {0};
    int64_t n = 0;

    assert_true(thread_start(&thread, "produce", THREAD_NORMAL, produce, ring));
    while ((f = stereo_ring_next(ring))) {
        assert_int_equal(f->pts_ns, n++);
        assert_int_equal(f->eyes.pixels[1][0], 2);
        stereo_ring_release(ring, f);
    }
    thread_join(&thread);
    assert_int_equal(n, FRAMES);
    stereo_ring_destroy(&ring);
}

static void wait_for_a_slot(void *user)
{
    assert_null(stereo_ring_acquire(user, 4, 2, DEEP3D_MEMORY_HOST));
}

static void stop_wakes_who_waits(void **state)
{
    struct stereo_ring *ring = stereo_ring_create(3, NULL);
    struct thread thread = {0};

    for (int i = 0; i < 3; i++)
        publish(ring, i, 0);
    assert_true(thread_start(&thread, "wait", THREAD_NORMAL, wait_for_a_slot, ring));
    clock_sleep_until_ns(clock_now_ns() + 5 * NS_PER_MS);
    stereo_ring_stop(ring);
    thread_join(&thread);
    assert_null(stereo_ring_next(ring));
    stereo_ring_destroy(&ring);
}

static void hush(void *user, enum log_level level, const char *line)
{
}

static void no_memory_is_survived(void **state)
{
    struct stereo_ring *ring = stereo_ring_create(3, NULL);

    log_set_sink(hush, NULL);
    mem_fail_block(1);
    assert_null(stereo_ring_acquire(ring, 4, 2, DEEP3D_MEMORY_HOST));
    log_set_sink(NULL, NULL);
    publish(ring, 0, 0);
    stereo_ring_abandon(ring, stereo_ring_acquire(ring, 8, 8, DEEP3D_MEMORY_HOST)); // another size
    stereo_ring_destroy(&ring);
}

// An owner of memory that shares some with CUDA as long as it can.
struct owner {
    bool shares;
    int allocated, released;
    int room; // for so many frames; 0: for all
};

static bool owner_allocate(void *user, struct stereo_frame *f, int width, int height,
                           enum deep3d_memory memory)
{
    struct owner *owner = user;

    if (owner->room > 0 && owner->allocated == owner->room)
        return false;
    owner->allocated++;
    f->eyes = (struct deep3d_eyes){.width = width, .height = height};
    f->eyes.memory = owner->shares ? memory : DEEP3D_MEMORY_HOST;
    return true;
}

static void owner_release(void *user, struct stereo_frame *f)
{
    ((struct owner *)user)->released++;
}

static int lines;

static void count_lines(void *user, enum log_level level, const char *line)
{
    lines++;
}

// There is memory for four frames of the five, then for two: four do, and two are too few.
static void fewer_frames_do(void **state)
{
    for (int room = 4; room >= 2; room -= 2) {
        struct owner owner = {.room = room};
        struct stereo_memory memory = {&owner, owner_allocate, owner_release, NULL, NULL};
        struct stereo_ring *ring = stereo_ring_create(5, &memory);
        struct stereo_frame *shown = NULL;
        int i;

        lines = 0;
        log_set_sink(count_lines, NULL);
        for (i = 0; i < 20; i++) {
            struct stereo_frame *f = stereo_ring_acquire(ring, 4, 2, DEEP3D_MEMORY_HOST);
            if (!f)
                break;
            assert_true(stereo_ring_publish(ring, f));
            if (i % 3 == 2) { // two waited
                stereo_ring_release(ring, shown);
                shown = stereo_ring_due(ring, CLOCK_NONE, 0);
                stereo_ring_restart(ring, 0);
            }
        }
        log_set_sink(NULL, NULL);
        assert_int_equal(i, room == 4 ? 20 : 2);
        assert_int_equal(lines, room == 4);
        stereo_ring_release(ring, shown);
        stereo_ring_destroy(&ring);
        assert_int_equal(owner.released, room);
    }
}

// Two rounds of three frames.
static void go_round(struct stereo_ring *ring, enum deep3d_memory wanted,
                     enum deep3d_memory expected)
{
    for (int i = 0; i < 6; i++) {
        struct stereo_frame *f = stereo_ring_acquire(ring, 4, 2, wanted);

        assert_int_equal(f->eyes.memory, expected);
        assert_true(stereo_ring_publish(ring, f));
        if (i % 3 == 2)
            stereo_ring_restart(ring, 0);
    }
}

// A frame is made anew once when the converter wants other memory, and not again where it cannot
// have it.
static void memory_is_what_the_converter_wants(void **state)
{
    struct owner owner = {.shares = true};
    struct stereo_memory memory = {&owner, owner_allocate, owner_release, NULL, NULL};
    struct stereo_ring *ring = stereo_ring_create(3, &memory);

    go_round(ring, DEEP3D_MEMORY_CUDA, DEEP3D_MEMORY_CUDA);
    assert_int_equal(owner.allocated, 3);
    go_round(ring, DEEP3D_MEMORY_HOST, DEEP3D_MEMORY_HOST);
    assert_int_equal(owner.allocated, 6);
    owner.shares = false;
    go_round(ring, DEEP3D_MEMORY_CUDA, DEEP3D_MEMORY_HOST);
    assert_int_equal(owner.allocated, 9);
    assert_int_equal(owner.released, 6);
    stereo_ring_destroy(&ring);
    assert_int_equal(owner.released, 9);
}

// However few frames are on their way at once, all are made within the first round: later, playing
// a frame allocates nothing.
static void the_ring_is_complete_after_a_round(void **state)
{
    struct owner owner = {.shares = true};
    struct stereo_memory memory = {&owner, owner_allocate, owner_release, NULL, NULL};
    struct stereo_ring *ring = stereo_ring_create(5, &memory);

    for (int i = 0; i < 20; i++) {
        stereo_ring_abandon(ring, stereo_ring_acquire(ring, 4, 2, DEEP3D_MEMORY_HOST));
        assert_int_equal(owner.allocated, i < 5 ? i + 1 : 5);
    }
    stereo_ring_destroy(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_due_frame_is_taken),
        cmocka_unit_test(a_mirror_shows_what_the_first_display_took),
        cmocka_unit_test(a_seek_drops_what_waits),
        cmocka_unit_test(next_gives_every_frame_in_order),
        cmocka_unit_test(stop_wakes_who_waits),
        cmocka_unit_test(no_memory_is_survived),
        cmocka_unit_test(fewer_frames_do),
        cmocka_unit_test(memory_is_what_the_converter_wants),
        cmocka_unit_test(the_ring_is_complete_after_a_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
