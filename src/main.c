/* argv to one front. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "front/front.h"

static const char help[] =
    "celda: notebooks in the terminal, with Lua as their language and Keras's numerics\n"
    "\n"
    "  celda                        an interactive session\n"
    "  celda NOTEBOOK.cells         the notebook, cell by cell: Enter runs the next one\n"
    "  celda run NOTEBOOK.cells     the whole notebook without questions; exits 1 at the\n"
    "                               first cell that fails\n"
    "      --cells 1,3-5            these cells alone\n"
    "      --tags A,B               those with one of these tags alone\n"
    "      --skip-tags A,B          none with one of these\n"
    "      --ledger FILE.json       writes what each cell cost\n"
    "      --against OLD.json --fail-over time=1.2,ram=1.1\n"
    "                               exits 1 if a cell took more than so many times what it took\n"
    "                               then (also cpu, device_bytes), and names it\n"
    "      --json                   one JSON object a line: cell, stream, display,\n"
    "                               error, end (with time, RAM, disk)\n"
    "  celda resume [NOTEBOOK.cells]   goes on with the last session: outputs are shown again\n"
    "      --list                   the sessions that there are journals of\n"
    "  celda --detach NOTEBOOK.cells   runs all cells in a session that needs no terminal\n"
    "  celda attach NOTEBOOK.cells  shows what it printed meanwhile, and takes over; Ctrl-\\ leaves\n"
    "                               it again\n"
    "  celda --no-init ...          any of these without ~/.config/celda/init.lua, which sessions\n"
    "                               with a prompt run when they start\n"
    "  celda -e 'CODE'              runs code and shows the last expression's value\n"
    "  celda FILE.lua [ARG ...]     runs a script; `arg` holds the arguments\n"
    "  celda -                      runs standard input as a script\n"
    "  celda --help | --version\n"
    "\n"
    "In a session: %help lists the commands, help(thing) or ?thing explains a thing.\n"
    "\n"
    "Environment:\n"
    "  CELDA_THREADS=N              threads (as many as there are cores)\n"
    "  CELDA_CPU=portable|avx2|avx512   the instruction set (the best there is)\n"
    "  CELDA_JOURNAL=off            sessions are not written down (in ~/.local/state/celda, the\n"
    "                               last 50, 200 MB at most)\n"
    "  CELDA_DATASETS=DIR           where to look for data sets first\n"
    "  NO_COLOR=1                   no colours\n";

static int unknown(const char *word) {
    static const char *const known[] = {"run", "resume", "attach",    "--detach", "--no-init",
                                        "-e",  "--help", "--version", "-h",       NULL};
    const char *near = nearest(word, known);
    fprintf(stderr, "celda: unknown option '%s'%s%s%s; see celda --help\n", word, near ? ", did you mean '" : "",
            near ? near : "", near ? "'?" : "");
    return 2;
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--no-init") == 0) {
        setenv("CELDA_INIT", "off", 1);
        argv++;
        argc--;
    }
    const char *first = argc > 1 ? argv[1] : NULL;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, not a death */
    if (!first) return isatty(STDIN_FILENO) ? front_repl(NULL) : front_script("-", 0, NULL);
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (strcmp(first, "--version") == 0) {
        puts("celda " CELDA_VERSION);
        return 0;
    }
    if (strcmp(first, "run") == 0) return front_run(argc - 2, argv + 2);
    if (strcmp(first, "attach") == 0) return front_attach(argc - 2, argv + 2);
    if (strcmp(first, "--detach") == 0) {
        if (argc == 3) return front_detach(argv[2], front_repl_all);
        fputs("usage: celda --detach NOTEBOOK.cells\n", stderr);
        return 2;
    }
    if (strcmp(first, "resume") == 0) return front_resume(argc - 2, argv + 2);
    if (strcmp(first, "-e") == 0) {
        if (argc == 3) return front_code(argv[2]);
        fputs("celda: -e takes one argument, the code\n", stderr);
        return 2;
    }
    if (first[0] == '-' && first[1]) return unknown(first);
    if (ends_with(first, ".cells")) {
        if (argc == 2) return front_repl(first);
        fprintf(stderr, "celda: what is '%s' behind a notebook? celda run %s takes options\n", argv[2], first);
        return 2;
    }
    if (access(first, F_OK) != 0 && !strchr(first, '.') && !strchr(first, '/') && strcmp(first, "-") != 0)
        return unknown(first);
    return front_script(first, argc - 2, argv + 2);
}
