/*
 * suite.c - see suite.h.
 */
#include "suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counting.h"
#include "other.h"

/* Far longer than a case takes. Ends it if its parent process has died. */
enum { CASE_SECONDS = 600 };

static const struct contract_group *const groups[] = {
    &values_group,   &equality_group, &containers_group, &ownership_group, &memory_group,
    &activation_group, &handlers_group, &messages_group, &replies_group,   &barriers_group,
    &life_group,     &ends_group,     &deaths_group,     &endpoints_group, &misuse_group,
};

static _Atomic int failures;
static char first_failure[400];

void contract_fail(const char *file, int line, const char *what) {
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    if (atomic_fetch_add(&failures, 1) == 0) {
        snprintf(first_failure, sizeof first_failure, "%s:%d: does not hold: %s", name, line, what);
    }
    fprintf(stderr, "%s:%d: does not hold: %s\n", name, line, what);
}

static const char *_Atomic noted = "";

void contract_note(const char *note) { noted = note; }

void contract_check_text(const char *file, int line, const char *actual, const char *expected) {
    char what[300];
    if (actual && strcmp(actual, expected) == 0) return;
    snprintf(what, sizeof what, "\"%.100s\" is \"%.100s\"", actual ? actual : "(null)", expected);
    contract_fail(file, line, what);
}

/* ---- Lines of JSON -------------------------------------------------------------------- */

static void print_text(const char *key, const char *text, char before) {
    printf("%c\"%s\":\"", before, key);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static int list(void) {
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        for (size_t j = 0; j < groups[i]->count; j++) {
            const struct contract_case *it = &groups[i]->cases[j];
            print_text("group", groups[i]->name, '{');
            print_text("case", it->name, ',');
            print_text("header", it->header, ',');
            print_text("symbol", it->symbol, ',');
            print_text("sentence", it->sentence, ',');
            print_text("differs", it->differs ? it->differs : "", ',');
            printf(",\"others\":%d}\n", it->others);
        }
    }
    return 0;
}

static int report(const struct contract_case *it, const char *result, const char *detail) {
    print_text("case", it->name, '{');
    print_text("result", result, ',');
    print_text("detail", detail, ',');
    puts("}");
    return strcmp(result, "failed") == 0 ? 1 : 0;
}

/* ---- Running -------------------------------------------------------------------------- */

#ifdef __linux__
static bool is_linux(void) { return true; }
#else
static bool is_linux(void) { return false; }
#endif

/*
 * Runs the case in another process, which is executed, not only forked. It must end by a signal: on a Mac
 * any; on Linux SIGABRT, after a sentence that names the function.
 */
static void must_end(const char *program, const struct contract_case *it) {
    int ends[2], status = 0;
    char said[1000] = "";
    size_t length = 0;
    CHECK(pipe(ends) == 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        alarm(CASE_SECONDS);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        execl(program, program, "--misuse", it->name, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t got; length < sizeof said - 1 && (got = read(ends[0], said + length, sizeof said - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM);
    if (!is_linux()) return;
    const char *sentence = strstr(said, "libxpc: ");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(sentence && strstr(sentence, it->ends_in));
}

static int run(const char *program, const struct contract_case *it) {
    bool differs = is_linux() && it->differs;
    if (!it->run) return report(it, differs ? "differs" : "skipped", differs ? it->differs : "only described");
    if (it->others && !others_begin(program, it->others)) return report(it, "skipped", "no other process: see other.h");
    alarm(CASE_SECONDS);
    if (!differs) count_descriptors();
    if (it->ends_in) must_end(program, it);
    else it->run();
    if (it->others) others_end();
    if (!differs) nothing_is_left();
    if (differs && failures) return report(it, "differs", it->differs);
    if (differs) return report(it, "failed", "Linux does not differ here any more: take the remark away");
    return report(it, failures ? "failed" : "passed", failures ? first_failure : noted);
}

static const struct contract_case *find(const char *name) {
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        for (size_t j = 0; j < groups[i]->count; j++) {
            if (strcmp(groups[i]->cases[j].name, name) == 0) return &groups[i]->cases[j];
        }
    }
    fprintf(stderr, "there is no case '%s'\n", name);
    exit(2);
}

static int misuse(const struct contract_case *it) {
    if (it->ends_in) it->run();
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--list") == 0) return list();
    if (argc == 3 && strcmp(argv[1], "--case") == 0) return run(argv[0], find(argv[2]));
    if (argc == 3 && strcmp(argv[1], "--misuse") == 0) return misuse(find(argv[2]));
    if (argc == 3 && strcmp(argv[1], "--serve") == 0) {
        if (is_linux()) alarm(CASE_SECONDS); /* those of launchd live as long as the run */
        other_serve(argv[2]);
    }
    fprintf(stderr, "usage: %s --list | --case NAME | --serve NAME | --misuse NAME\n", argv[0]);
    return 2;
}
