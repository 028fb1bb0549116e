#include "engine/nn/cuda_choices.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <sys/stat.h>

static std::mutex lock;
// under the lock:
static std::map<std::string, std::string> choices;
static bool was_read;

static std::string file_path(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    std::string folder;

    if (cache && *cache == '/')
        folder = cache;
    else if (home && *home == '/')
        folder = std::string(home) + "/.cache";
    else
        return "";
    mkdir(folder.c_str(), 0700);
    folder += "/deep3d";
    mkdir(folder.c_str(), 0700);
    return folder + "/cuda-ways";
}

// A file that is not there, is none or is too large has nothing to say.
static bool is_small_file(const std::string &path)
{
    struct stat s;

    return !path.empty() && stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) &&
           s.st_size <= CUDA_CHOICES_MAX_BYTES;
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

// Takes a line without its end apart: key, tab, choice.
static void take_line(char *line)
{
    char *tab = strchr(line, '\t');

    if (!tab)
        return;
    *tab = '\0';
    if (*line && tab[1] && is_plain(line) && is_plain(tab + 1))
        choices[line] = tab + 1;
}

static void read_file(void)
{
    std::string path = file_path();
    FILE *f = is_small_file(path) ? fopen(path.c_str(), "re") : NULL;
    char line[CUDA_CHOICE_MAX + 3]; // with tab, line end and 0
    bool whole = true;

    was_read = true;
    while (f && fgets(line, sizeof(line), f)) {
        char *end = strchr(line, '\n');

        if (end)
            *end = '\0';
        if (end && whole) // else the end of a line that was too long
            take_line(line);
        whole = end != NULL;
    }
    if (f)
        fclose(f);
}

// One write() a line: several programs may keep the file.
static void append(const std::string &line)
{
    std::string path = file_path();
    FILE *f = path.empty() ? NULL : fopen(path.c_str(), is_small_file(path) ? "ae" : "we");

    if (!f)
        return;
    fwrite(line.data(), 1, line.size(), f);
    fclose(f);
}

bool cuda_choice_find(const char *key, char *out, size_t size)
{
    std::lock_guard<std::mutex> held(lock);

    if (!was_read)
        read_file();
    auto at = choices.find(key);
    if (at == choices.end() || at->second.size() >= size)
        return false;
    memcpy(out, at->second.c_str(), at->second.size() + 1);
    return true;
}

void cuda_choice_keep(const char *key, const char *choice)
{
    std::lock_guard<std::mutex> held(lock);
    std::string line = std::string(key) + "\t" + choice + "\n";

    if (!was_read)
        read_file();
    choices[key] = choice;
    if (*key && *choice && line.size() <= CUDA_CHOICE_MAX + 2 && is_plain(key) && is_plain(choice))
        append(line);
}

void cuda_choices_forget(void)
{
    std::lock_guard<std::mutex> held(lock);

    choices.clear();
    was_read = false;
}
