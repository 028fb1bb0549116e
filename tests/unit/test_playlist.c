// Folders become what is in them, in the order that people expect; other names stay as they are.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "viewer/playlist.h"

static char folder[] = "/tmp/deep3d-playlist-XXXXXX";

static void touch(const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fclose(file);
    mem_free(path);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char *command = mem_printf("rm -r %s", folder);
    int result = system(command);

    mem_free(command);
    return result;
}

static void nothing_in_a_folder_is_nothing_to_play(void **state)
{
    const char *names[] = {folder};
    struct playlist list;

    touch("notes.txt");
    assert_false(playlist_make(&list, names, 1));
    playlist_finish(&list);
}

static void folders_give_pictures_in_order(void **state)
{
    static const char *const want[] = {"IMG_2.JPG", "IMG_10.heic", "b.mk3d", "c.divx", "d.RMVB"};
    char *below = mem_printf("%s/Film.2019.mkv", folder);
    const char *names[] = {"http://host/film.mp4", folder, "none/such.avi"};
    struct playlist list;

    assert_int_equal(mkdir(below, 0755), 0);
    mem_free(below);
    touch("b.mk3d");
    touch("c.divx");
    touch("d.RMVB");
    touch("IMG_10.heic");
    touch(".hidden.jpg");
    touch("b.srt");
    touch("IMG_2.JPG");
    assert_true(playlist_make(&list, names, 3));
    assert_int_equal(list.count, 7);
    assert_string_equal(list.files[0], names[0]);
    for (int i = 0; i < 5; i++) {
        char *path = mem_printf("%s/%s", folder, want[i]);

        assert_string_equal(list.files[i + 1], path);
        mem_free(path);
    }
    assert_string_equal(list.files[6], names[2]);
    playlist_finish(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_a_folder_is_nothing_to_play),
        cmocka_unit_test(folders_give_pictures_in_order),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
