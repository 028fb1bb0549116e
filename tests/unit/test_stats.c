// stats: what is counted is what the JSON file says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/commands.h"
#include "viewer/stats.h"

// The number at "a.b"; fails the test where it is missing.
static double number(const cJSON *json, const char *path)
{
    char *copy = mem_strdup(path);
    double value;

    for (char *part = strtok(copy, "."); part; part = strtok(NULL, ".")) {
        json = cJSON_GetObjectItemCaseSensitive(json, part);
        if (!json)
            fail_msg("%s is missing", path);
    }
    assert_true(cJSON_IsNumber(json));
    value = json->valuedouble;
    mem_free(copy);
    return value;
}

static cJSON *written(const struct stats *stats, enum stats_end end)
{
    static char text[65536];
    FILE *file;
    cJSON *json;

    assert_true(stats_write_json(stats, "test_stats.json", end));
    file = fopen("test_stats.json", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    remove("test_stats.json");
    json = cJSON_Parse(text);
    assert_non_null(json);
    return json;
}

static void numbers_come_out_as_they_went_in(void **state)
{
    struct stats *stats = stats_create();
    cJSON *json;

    stats->start_ns = clock_now_ns();
    stats->frames_decoded = 12;
    stats->frames_converted = 10;
    stats->frames_dropped = 2;
    for (int i = -50; i <= 50; i++)
        stats_add_av_offset(stats, i * NS_PER_MS);
    stats_frame_shown(stats, stats->start_ns + 250 * NS_PER_MS);
    stats_frame_shown(stats, stats->start_ns + 900 * NS_PER_MS);
    json = written(stats, STATS_END_FILE);
    assert_float_equal(number(json, "source.frames_decoded"), 12, 0);
    assert_float_equal(number(json, "convert.frames"), 10, 0);
    assert_float_equal(number(json, "convert.dropped"), 2, 0);
    assert_float_equal(number(json, "display.frames_shown"), 2, 0);
    assert_float_equal(number(json, "av_offset_ms.p50"), 0, 0.01);
    assert_float_equal(number(json, "av_offset_ms.p95"), 47, 1.5);
    assert_float_equal(number(json, "start_to_first_frame_ms"), 250, 0.01);
    assert_true(number(json, "memory.peak_rss_bytes") > 1e5);
    assert_string_equal(cJSON_GetObjectItem(json, "end")->valuestring, "end");
    cJSON_Delete(json);
    stats_destroy(&stats);
}

static void depth_is_counted_in_the_units_of_eyes(void **state)
{
    struct stats *stats = stats_create();
    cJSON *json;

    assert_float_equal(stats_comfort_share(&stats->comfort), 1, 0);
    for (int i = 0; i < 100; i++)
        stats_comfort_add(&stats->comfort,
                          &(struct deep3d_parallax){.crossed_deg = 0.012f * (float)i,
                                                    .uncrossed_m = i == 99 ? 20 : 0.02f,
                                                    .comfortable = i < 80});
    json = written(stats, STATS_END_FILE);
    assert_float_equal(number(json, "comfort.frames"), 100, 0);
    assert_float_equal(number(json, "comfort.within_budget"), 0.8, 1e-9);
    assert_float_equal(number(json, "comfort.crossed_deg.p50"), 0.6, 0.05);
    assert_float_equal(number(json, "comfort.crossed_deg.most"), 1.188, 1e-3);
    assert_float_equal(number(json, "comfort.uncrossed_cm.p95"), 2, 0.11);
    assert_float_equal(number(json, "comfort.uncrossed_cm.most"), 2000, 1e-3);
    cJSON_Delete(json);
    stats_destroy(&stats);
}

static void hush(void *user, enum log_level level, const char *line)
{
    *(int *)user += 1;
}

static void an_unwritable_file_is_an_error(void **state)
{
    struct stats *stats = stats_create();
    int lines = 0;

    log_set_sink(hush, &lines);
    assert_false(stats_write_json(stats, "no/such/folder/stats.json", STATS_END_FILE));
    log_set_sink(NULL, NULL);
    assert_int_equal(lines, 1);
    stats_destroy(&stats);
}

static void commands_keep_their_order(void **state)
{
    struct command_queue *q = command_queue_create();
    struct command c;

    assert_false(command_queue_pop(q, &c));
    for (int i = 0; i < 100; i++)
        command_queue_push(q, COMMAND_SEEK_BY, i);
    for (int i = 0; i < 64; i++) {
        assert_true(command_queue_pop(q, &c));
        assert_int_equal(c.kind, COMMAND_SEEK_BY);
        assert_float_equal(c.value, i, 0);
    }
    assert_false(command_queue_pop(q, &c));
    command_queue_destroy(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_out_as_they_went_in),
        cmocka_unit_test(depth_is_counted_in_the_units_of_eyes),
        cmocka_unit_test(an_unwritable_file_is_an_error),
        cmocka_unit_test(commands_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
