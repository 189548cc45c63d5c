/*
 * replay.c - runs a fuzz target once on each given input: for compilers without libFuzzer, as gcc.
 *
 *     wire_fuzz FILE...
 *
 * A FILE that ends in ".corpus" has one input per line, in hex; lines that are empty or begin with
 * '#' are no inputs. Any other FILE is one input as it is, such as a crash file of libFuzzer.
 *
 * Prints the place of each input before it runs, "c/fuzz/wire.corpus:17", so the last line tells
 * which input ended the program. Ends with "N inputs" and status 0. An input that does not return
 * within HANG_SECONDS ends the program with status 1.
 */
#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HANG_SECONDS
#define HANG_SECONDS 120
#endif

enum { FILE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

static void fail(const char *path, size_t line, const char *why) {
    fprintf(stderr, "%s:%zu: %s\n", path, line, why);
    exit(2);
}

static void end_hang(int signal) {
    static const char text[] = "the input did not return in time\n";
    (void)signal;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(2);
    _exit(1);
}

/* The target gets a copy of exactly that length, so a checker sees any read beyond it. */
static void run(const char *path, size_t line, const uint8_t *bytes, size_t length) {
    uint8_t *copy = malloc(length ? length : 1);
    if (!copy) fail(path, line, "out of memory");
    memcpy(copy, bytes, length);
    printf("%s:%zu\n", path, line);
    fflush(stdout);
    alarm(HANG_SECONDS);
    LLVMFuzzerTestOneInput(copy, length);
    alarm(0);
    free(copy);
    inputs++;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place and returns the number of bytes. */
static size_t decode(const char *path, size_t line, char *text) {
    size_t length = strlen(text);
    if (length % 2) fail(path, line, "expected an even number of hex digits");
    for (size_t i = 0; i < length; i += 2) {
        int high = digit_of(text[i]), low = digit_of(text[i + 1]);
        if (high < 0 || low < 0) fail(path, line, "expected hex digits, 0 to 9 and a to f");
        text[i / 2] = (char)(high << 4 | low);
    }
    return length / 2;
}

static void run_lines(const char *path, FILE *file) {
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    for (size_t line = 1; (length = getline(&text, &room, file)) >= 0; line++) {
        while (length && isspace((unsigned char)text[length - 1])) text[--length] = 0;
        if (length && *text != '#') run(path, line, (uint8_t *)text, decode(path, line, text));
    }
    free(text);
}

static void run_whole(const char *path, FILE *file) {
    static uint8_t bytes[FILE_MAX];
    run(path, 1, bytes, fread(bytes, 1, sizeof bytes, file));
}

static bool has_lines(const char *path) {
    const char *end = strrchr(path, '.');
    return end && strcmp(end, ".corpus") == 0;
}

int main(int argc, char **argv) {
    signal(SIGALRM, end_hang);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rbe");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        if (has_lines(argv[i])) run_lines(argv[i], file);
        else run_whole(argv[i], file);
        fclose(file);
    }
    printf("%zu inputs\n", inputs);
    return 0;
}
