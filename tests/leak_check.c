// Linked into tests that load drivers, so that the leak checker of the address sanitizer tells our
// leaks from those of other people's libraries. Without the sanitizer it is empty.
//
// Drivers and desktop libraries are unloaded before the checker looks; what they leak then belongs
// to nobody and cannot be named. So they stay loaded here.
#if defined(__SANITIZE_ADDRESS__)
int dlclose(void *library);
const char *__lsan_default_suppressions(void);

int dlclose(void *library)
{
    return 0;
}

const char *__lsan_default_suppressions(void)
{
    return "leak:libdbus-1.so\n"; // SDL's connection to the desktop
}
#else
typedef int leak_check_is_empty;
#endif
