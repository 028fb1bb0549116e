#include "kernels/device.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static bool enter(int index)
{
    return true;
}

static void copy(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

static void copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride,
                      size_t row_bytes, int rows)
{
    for (int y = 0; y < rows; y++)
        memcpy((char *)to + (size_t)y * to_stride, (const char *)from + (size_t)y * from_stride,
               row_bytes);
}

static void clear(void *to, size_t bytes)
{
    memset(to, 0, bytes);
}

static bool all_is_done(void)
{
    return true;
}

static bool is_passed(const struct device_stamp *stamp)
{
    return true;
}

static const char *error(void)
{
    return "no error";
}

static void stamp(struct device_stamp *s)
{
    s->ns = clock_now_ns();
}

static int64_t between_ns(const struct device_stamp *from, const struct device_stamp *to)
{
    return to->ns - from->ns;
}

static void stamp_finish(struct device_stamp *s)
{
}

const struct device device_host = {
    .enter = enter,
    .take = mem_try_block,
    .give = mem_free,
    .take_host = mem_try_block,
    .give_host = mem_free,
    .upload = copy,
    .download = copy,
    .upload_rows = copy_rows,
    .download_rows = copy_rows,
    .copy = copy,
    .clear = clear,
    .wait = all_is_done,
    .wait_for = is_passed,
    .check = all_is_done,
    .error = error,
    .stamp = stamp,
    .between_ns = between_ns,
    .stamp_finish = stamp_finish,
};
