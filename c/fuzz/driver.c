/*
 * driver.c - a small coverage-guided fuzzer for compilers that come without libFuzzer, as gcc.
 *
 *     wire_fuzz [options] [folder for new inputs] [folder or file of inputs]...
 *
 *     -runs=N              stop after N executions; 0: only run what is there
 *     -max_total_time=N    stop after N seconds
 *     -seed=N              of the random numbers; the same ones give the same run
 *     -max_len=N           of an input, in bytes (4096)
 *     -artifact_prefix=P   what the file of an input that the program dies of begins with (./)
 *     -merge=1             copy the inputs of the other folders to the first: as few and as short
 *                          ones as reach the same code
 *
 * Options, folders and what is printed at the end are libFuzzer's: both are used in the same
 * way. The target is compiled with -fsanitize-coverage=trace-pc, this file without. As in AFL
 * an input is kept when it takes an edge of the program a new number of times, in powers of two.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../linux/sha256.h"

enum { EDGES = 1 << 16, INPUT_MAX = 1 << 20, HANG_SECONDS = 20, BETWEEN_LOOKS = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_cov_trace_pc(void);
extern const char __executable_start;

/* ---- Options -------------------------------------------------------------------------- */

static long runs = -1, seconds = -1, seed = 1, longest = 4096, merges;
static const char *prefix = "./";
static char into[3072]; /* where new inputs go, with its '/'; or empty */

static bool take_option(const char *argument) {
    static const struct {
        const char *name;
        long *value;
    } numbers[] = {{"-runs=", &runs},
                   {"-max_total_time=", &seconds},
                   {"-seed=", &seed},
                   {"-max_len=", &longest},
                   {"-merge=", &merges}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        size_t length = strlen(numbers[i].name);
        if (strncmp(argument, numbers[i].name, length) != 0) continue;
        *numbers[i].value = strtol(argument + length, NULL, 10);
        return true;
    }
    if (strncmp(argument, "-artifact_prefix=", 17) == 0) prefix = argument + 17;
    return argument[0] == '-';
}

/* ---- Coverage ------------------------------------------------------------------------- */

static uint8_t taken[EDGES]; /* how often, in this execution */
static uint16_t touched[EDGES];
static size_t touched_count;
static uint8_t known[EDGES]; /* a bit for each power of two, over all executions */
static size_t known_edges, known_features;
static uint32_t previous;

/* Called by the target at each basic block. */
void __sanitizer_cov_trace_pc(void) {
    uint32_t place = (uint32_t)((uintptr_t)__builtin_return_address(0) - (uintptr_t)&__executable_start);
    place *= 0x9e3779b1u;
    place >>= 16;
    uint32_t edge = (place ^ previous) % EDGES;
    previous = place >> 1;
    if (taken[edge] == 0) touched[touched_count++] = (uint16_t)edge;
    if (taken[edge] < UINT8_MAX) taken[edge]++;
}

static uint8_t feature(uint8_t times) {
    if (merges) return 1; /* then which edges there are is enough */
    if (times < 4) return (uint8_t)(1 << (times - 1));
    return (uint8_t)(times < 8 ? 8 : times < 16 ? 16 : times < 32 ? 32 : times < 128 ? 64 : 128);
}

/* Was there anything new? Forgets the execution. */
static bool learn(void) {
    bool news = false;
    for (size_t i = 0; i < touched_count; i++) {
        uint16_t edge = touched[i];
        uint8_t it = feature(taken[edge]);
        if (!known[edge]) known_edges++;
        if (!(known[edge] & it)) {
            known[edge] |= it;
            known_features++;
            news = true;
        }
        taken[edge] = 0;
    }
    touched_count = 0;
    return news;
}

/* ---- Inputs --------------------------------------------------------------------------- */

struct input {
    size_t length;
    uint8_t *bytes;
};

static struct input *corpus;
static size_t corpus_count, corpus_room;

static void *must(void *memory) {
    if (memory) return memory;
    fputs("out of memory\n", stderr);
    exit(1);
}

static void keep(const uint8_t *bytes, size_t length) {
    if (corpus_count == corpus_room) {
        corpus_room = corpus_room * 2 + 64;
        corpus = must(realloc(corpus, corpus_room * sizeof *corpus));
    }
    struct input *input = &corpus[corpus_count++];
    *input = (struct input){.length = length, .bytes = must(malloc(length + 1))};
    memcpy(input->bytes, bytes, length);
}

static void read_file(const char *path) {
    static uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "rbe");
    if (!file) {
        perror(path);
        exit(1);
    }
    keep(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* In the order of their names, so that a run can be repeated. */
static void read_folder(const char *path) {
    char **names = NULL;
    size_t count = 0;
    const struct dirent *entry;
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.') continue;
        names = must(realloc(names, (count + 1) * sizeof *names));
        names[count++] = must(strdup(entry->d_name));
    }
    if (folder) closedir(folder);
    if (count) qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        read_file(file);
        free(names[i]);
    }
    free(names);
}

static bool is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void read_inputs(const char *path) {
    if (is_folder(path)) read_folder(path);
    else read_file(path);
}

/* Under the name of its content, after `before`. */
static void write_input(const char *before, const uint8_t *bytes, size_t length) {
    uint8_t digest[32];
    char path[4096];
    xl_sha256(bytes, length, digest);
    int end = snprintf(path, sizeof path - 33, "%s", before);
    for (int i = 0; i < 16; i++) end += snprintf(path + end, 3, "%02x", digest[i]);
    FILE *file = fopen(path, "wbe");
    if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

/* ---- Running one ---------------------------------------------------------------------- */

/* The input that runs, shared with the parent process, who keeps it if this one dies of it. */
static struct {
    size_t length;
    bool over; /* all has been run */
    uint8_t bytes[INPUT_MAX];
} *running;

static size_t executions;

/* The target gets a copy of exactly that length: a byte read beyond it is seen. */
static bool run(const uint8_t *bytes, size_t length) {
    running->length = length;
    memcpy(running->bytes, bytes, length);
    if (executions++ % BETWEEN_LOOKS == 0) alarm(HANG_SECONDS);
    uint8_t *copy = must(malloc(length ? length : 1));
    memcpy(copy, bytes, length);
    previous = 0;
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
    return learn();
}

/* ---- Random changes ------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static size_t below(size_t limit) { return limit ? (size_t)((next_random() >> 16) % limit) : 0; }

static const uint64_t interesting[] = {0,     1,     2,      7,      8,          15,         16,        17,
                                       31,    32,    33,     64,     127,        128,        255,       256,
                                       4095,  4096,  0x7fff, 0xffff, 0x10000,    0xfffff,    0x100000,  0x100001,
                                       1 << 30, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX, (uint64_t)INT64_MAX};

static void write_number(uint8_t *bytes, size_t length) {
    size_t width = (size_t)1 << below(4), at = below(length);
    uint64_t value = interesting[below(sizeof interesting / sizeof interesting[0])];
    if (width > length - at) width = 1;
    memcpy(bytes + at, &value, width);
}

/* Makes room of `count` bytes at `at`, or takes as many away. */
static size_t insert(uint8_t *bytes, size_t length, size_t at, size_t count) {
    if (length + count > (size_t)longest) count = (size_t)longest - length;
    memmove(bytes + at + count, bytes + at, length - at);
    return length + count;
}

static size_t change(uint8_t *bytes, size_t length) {
    size_t at = below(length), count = 1 + below(length - at < 16 ? length - at : 16), to = below(length);
    if (!length || below(8) == 0) {
        size_t grown = insert(bytes, length, at, 1 + below(8));
        for (size_t i = length; i < grown; i++) bytes[at + i - length] = (uint8_t)next_random();
        return grown;
    }
    switch (below(8)) {
    case 0: bytes[at] ^= (uint8_t)(1 << below(8)); return length;
    case 1: bytes[at] = (uint8_t)next_random(); return length;
    case 2: bytes[at] = (uint8_t)(bytes[at] + below(33) - 16); return length;
    case 3:
    case 4: write_number(bytes, length); return length;
    case 5: memmove(bytes + at, bytes + at + count, length - at - count); return length - count;
    case 6: memmove(bytes + to, bytes + at, count < length - to ? count : length - to); return length;
    default: {
        uint8_t block[16];
        memcpy(block, bytes + at, count);
        size_t grown = insert(bytes, length, to, count);
        memcpy(bytes + to, block, grown - length);
        return grown;
    }
    }
}

/* From here on as in another input. */
static size_t cross_over(uint8_t *bytes, size_t length) {
    const struct input *other = &corpus[below(corpus_count)];
    size_t from = below(other->length), at = below(length), count = other->length - from;
    if (count > (size_t)longest - at) count = (size_t)longest - at;
    memcpy(bytes + at, other->bytes + from, count);
    return at + count;
}

static void run_another(void) {
    static uint8_t bytes[INPUT_MAX];
    /* What was found last has been tried least. */
    size_t pick = below(2) ? below(corpus_count) : corpus_count - 1 - below(corpus_count / 8 + 1);
    size_t length = corpus[pick].length < (size_t)longest ? corpus[pick].length : (size_t)longest;
    memcpy(bytes, corpus[pick].bytes, length);
    if (below(4) == 0) length = cross_over(bytes, length);
    for (size_t changes = (size_t)1 << below(5); changes; changes--) length = change(bytes, length);
    if (!run(bytes, length)) return;
    keep(bytes, length);
    if (*into) write_input(into, bytes, length);
}

/* ---- All of it ------------------------------------------------------------------------ */

static int by_length(const void *a, const void *b) {
    const struct input *one = a, *other = b;
    if (one->length != other->length) return one->length < other->length ? -1 : 1;
    return one->length ? memcmp(one->bytes, other->bytes, one->length) : 0;
}

static void merge(void) {
    size_t kept = 0;
    qsort(corpus, corpus_count, sizeof *corpus, by_length);
    for (size_t i = 0; i < corpus_count; i++) {
        if (!run(corpus[i].bytes, corpus[i].length)) continue;
        write_input(into, corpus[i].bytes, corpus[i].length);
        kept++;
    }
    fprintf(stderr, "%zu inputs of %zu, %zu edges\n", kept, corpus_count, known_edges);
}

static void fuzz(void) {
    time_t start = time(NULL), said = start;
    size_t given = corpus_count;
    for (size_t i = 0; i < given; i++) run(corpus[i].bytes, corpus[i].length);
    if (!corpus_count) keep((const uint8_t *)"", 0);
    while (runs < 0 || executions < (size_t)runs) {
        run_another();
        if (executions % BETWEEN_LOOKS) continue;
        time_t now = time(NULL);
        if (seconds >= 0 && now - start >= seconds) break;
        if (now - said < 10) continue;
        said = now;
        fprintf(stderr, "#%zu edges: %zu features: %zu corpus: %zu\n", executions, known_edges, known_features,
                corpus_count);
    }
    fprintf(stderr, "edges: %zu features: %zu corpus: %zu\n", known_edges, known_features, corpus_count);
    fprintf(stderr, "stat::number_of_executed_units: %zu\n", executions);
    fprintf(stderr, "stat::new_units_added: %zu\n", corpus_count - given);
}

static int work(int argc, char **argv) {
    int paths = 0;
    for (int i = 1; i < argc; i++) {
        if (take_option(argv[i])) continue;
        if (paths++ == 0 && is_folder(argv[i])) snprintf(into, sizeof into, "%s/", argv[i]);
        if (paths > 1 || !merges) read_inputs(argv[i]);
    }
    if (longest > INPUT_MAX) longest = INPUT_MAX;
    random_state = (uint64_t)seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
    if (merges) merge();
    else fuzz();
    for (size_t i = 0; i < corpus_count; i++) free(corpus[i].bytes);
    free(corpus);
    running->over = true;
    return 0;
}

int main(int argc, char **argv) {
    int status = 0;
    for (int i = 1; i < argc; i++) take_option(argv[i]);
    running = mmap(NULL, sizeof *running, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (running == MAP_FAILED) return 1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return work(argc, argv);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (status == 0) return 0;
    fprintf(stderr, "it has ended with status 0x%x\n", status);
    snprintf(into, sizeof into, "%scrash-", prefix);
    if (!running->over) write_input(into, running->bytes, running->length);
    return 1;
}
