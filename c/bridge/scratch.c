/*
 * scratch.c: a file in a private directory for temporary files, for a child that
 * reads it, and may replace it, by its path.
 *
 * The directory is locked as long as the process that made it lives. A process that
 * was killed, with its child, leaves it unlocked, and the next one that makes such
 * a file removes it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "object.h"
#include "platform.h"

#define PREFIX "streamlib-lock-"
#define DIRECTORY PREFIX "XXXXXX"
#define FILE_NAME "/deno.lock"

/* How old an unlocked directory must be: its maker may not have locked it yet. */
enum { LEFTOVER_SECONDS = 60 };

/* ---- the locks of this process ---- */

struct made {
    struct made *next;
    int directory; /* locked */
    char name[];   /* of the directory */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct made *all_made;
static bool swept;

/* Locks the directory until unlock_directory. If that fails, it is only not known to be in use. */
static void lock_directory(const char *name) {
    size_t size = strlen(name) + 1;
    struct made *made = malloc(sizeof *made + size);
    int directory = made ? open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (directory < 0 || flock(directory, LOCK_SH | LOCK_NB) != 0) {
        if (directory >= 0) close(directory);
        free(made);
        return;
    }
    made->directory = directory;
    memcpy(made->name, name, size);
    pthread_mutex_lock(&lock);
    made->next = all_made;
    all_made = made;
    pthread_mutex_unlock(&lock);
}

static void unlock_directory(const char *name) {
    pthread_mutex_lock(&lock);
    struct made **link = &all_made;
    while (*link && strcmp((*link)->name, name) != 0) link = &(*link)->next;
    struct made *made = *link;
    if (made) *link = made->next;
    pthread_mutex_unlock(&lock);
    if (!made) return;
    close(made->directory);
    free(made);
}

/* ---- removing ---- */

/* The file, or one that the child writes to replace it. */
static bool is_ours(const char *name) {
    if (*name == '.') name++;
    return strncmp(name, "deno.", strlen("deno.")) == 0;
}

/* Removes the directory `name` of `parent`, and our files in it. One with other files stays, with an errno. */
static bool remove_directory(int parent, const char *name) {
    int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = directory >= 0 ? fdopendir(directory) : NULL;
    if (!entries) {
        int why = errno;
        if (directory >= 0) close(directory);
        errno = why;
        return false;
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (is_ours(entry->d_name)) unlinkat(directory, entry->d_name, 0);
    }
    closedir(entries);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

/* Whether nobody uses the directory any more. */
static bool is_left_over(int parent, const char *name) {
    struct stat found;
    int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) return false;
    bool left = fstat(directory, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & 0077) == 0 &&
                time(NULL) - found.st_mtime > LEFTOVER_SECONDS && flock(directory, LOCK_EX | LOCK_NB) == 0;
    close(directory);
    return left;
}

/* Removes what killed processes have left in a place. */
static void sweep(const char *temporary) {
    DIR *entries = opendir(temporary);
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        const char *name = entry->d_name;
        bool named = strlen(name) == strlen(DIRECTORY) && strncmp(name, PREFIX, strlen(PREFIX)) == 0;
        if (named && is_left_over(dirfd(entries), name)) remove_directory(dirfd(entries), name);
    }
    closedir(entries);
}

/* ---- places ---- */

enum { MAX_PLACES = 3 };

/* Writes the directories for temporary files, in order. Returns their number. /dev/shm is in memory; macOS has none. */
static int list_places(const char *places[MAX_PLACES]) {
    int count = 0;
    const char *named = getenv("TMPDIR");
    if (named && *named == '/') places[count++] = named;
    places[count++] = "/dev/shm";
    places[count++] = "/tmp";
    return count;
}

/* Sweeps each place. Once per process is enough. */
static void sweep_all(const char *const *places, int count) {
    pthread_mutex_lock(&lock);
    bool first = !swept;
    swept = true;
    pthread_mutex_unlock(&lock);
    for (int i = 0; first && i < count; i++) sweep(places[i]);
}

/* ---- making ---- */

static bool write_all(int file, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* Makes the file. False, and why as an errno value. */
static bool write_file(const char *name, const uint8_t *bytes, uint32_t length, int *why) {
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written = file >= 0 && fchmod(file, 0600) == 0 && platform_file_allowed(length) && write_all(file, bytes, length);
    *why = errno;
    if (file >= 0 && close(file) != 0 && written) {
        written = false;
        *why = errno;
    }
    return written;
}

static uint32_t create_in(const char *temporary, const uint8_t *bytes, uint32_t length, uint8_t *path, uint32_t capacity) {
    char name[SLB_MAX_TEXT_BYTES];
    int size = snprintf(name, sizeof name, "%s/" DIRECTORY FILE_NAME, temporary);
    if (size < 0 || (size_t)size >= sizeof name || (uint32_t)size > capacity) {
        fail(SLB_E_BUFFER, "Cannot make a file in %.256s: its path is too long; set TMPDIR to a shorter one", temporary);
        return 0;
    }
    char *end = name + size - strlen(FILE_NAME);
    *end = 0;
    if (!mkdtemp(name)) {
        fail(SLB_E_SYSTEM, "Cannot make a directory in %.256s: %s; set TMPDIR to a directory for temporary files", temporary, platform_cause(errno));
        return 0;
    }
    bool written = chmod(name, 0700) == 0; /* whatever the umask: the child opens it by its path */
    int why = errno;
    if (written) lock_directory(name);
    *end = '/';
    if (written) written = write_file(name, bytes, length, &why);
    memcpy(path, name, (size_t)size);
    if (written) return (uint32_t)size;
    slb_scratch_remove(path, (uint32_t)size);
    fail(SLB_E_SYSTEM, "Cannot write %s: %s", name, platform_cause(why));
    return 0;
}

uint32_t slb_scratch_create(const uint8_t *bytes, uint32_t length, uint8_t *path, uint32_t capacity) {
    const char *places[MAX_PLACES];
    int count = list_places(places);
    sweep_all(places, count);
    uint32_t made = 0;
    for (int i = 0; i < count && made == 0; i++) made = create_in(places[i], bytes, length, path, capacity);
    return made;
}

int32_t slb_scratch_remove(const uint8_t *path, uint32_t length) {
    char name[SLB_MAX_TEXT_BYTES];
    size_t tail = strlen("/" DIRECTORY FILE_NAME), prefix = strlen("/" PREFIX);
    bool ours = length < sizeof name && length > tail && memcmp(path + length - tail, "/" PREFIX, prefix) == 0 &&
                memcmp(path + length - strlen(FILE_NAME), FILE_NAME, strlen(FILE_NAME)) == 0;
    if (!ours) return fail(SLB_E_ARGUMENT, "Cannot remove a file that slb_scratch_create has not made");
    memcpy(name, path, length);
    name[length - strlen(FILE_NAME)] = 0;
    bool removed = remove_directory(AT_FDCWD, name);
    int why = errno;
    unlock_directory(name);
    return removed ? 0 : fail(SLB_E_SYSTEM, "Cannot remove %s: %s", name, platform_cause(why));
}
