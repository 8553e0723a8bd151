#include "command/command_line.h"

#include "base/suggest.h"

static const char usage[] =
    "usage: flexilib [-c FILE] [--last-good] [--no-filters], or flexilib with check, healthcheck, "
    "server, metrics, reload, rollback, upgrade, status, filter or help";

static const char help[] =
    "FlexiLib, a reverse proxy that is extended with shared libraries.\n"
    "\n"
    "  flexilib [-c FILE] [--last-good] [--no-filters]\n"
    "                                  serve, in the foreground; --last-good: where the file is wrong, what was "
    "served\n"
    "                                  last; --no-filters, in an emergency: without any library, those that protect\n"
    "                                  something included\n"
    "  flexilib check [-c FILE]        read the configuration, load every library, create every filter (also: -t)\n"
    "  flexilib healthcheck [ADDRESS]  ask a running FlexiLib how it is: exit 0 for any answer below 500\n"
    "                                  (ADDRESS: host:port, unix:/path or a URL; else the configuration's admin\n"
    "                                  listener, or its first one)\n"
    "  flexilib server [-c FILE] [--json] [UPSTREAM]\n"
    "                                  how the servers of upstreams stand, in the FlexiLib that serves this file\n"
    "  flexilib server [-c FILE] [--json] UPSTREAM URL drain|ready\n"
    "                                  give a server no new requests any more; give it requests again\n"
    "  flexilib metrics [-c FILE]      what is counted there, as Prometheus reads it\n"
    "  flexilib reload [-c FILE]       have it take up the file and its libraries as they are now, wait for the "
    "outcome\n"
    "                                  and tell what changed, or what is wrong (exit status 78)\n"
    "  flexilib rollback [-c FILE]     have it go back to what it served before, at once\n"
    "  flexilib upgrade [-c FILE]      have it go on as the program that is on disk now, and wait for the outcome\n"
    "  flexilib status [-c FILE] [--json]\n"
    "                                  what it runs: generations, libraries, the last reload\n"
    "  flexilib filter COMMAND ...     for authors of filters: look at a library, try it (flexilib filter help)\n"
    "  flexilib help                   this page (also: -h, --help)\n"
    "  flexilib --version              the version (also: -v); -V tells those of the contract and of libraries too\n"
    "\n"
    "Without -c: $FLEXILIB_CONFIG, ./flexilib.yaml, ./proxy.ini or /etc/flexilib/flexilib.yaml, the first that is\n"
    "there. Signals: HUP reloads; TERM and INT let requests finish within shutdown_timeout, a second one ends at\n"
    "once; QUIT waits without limit; USR1 reopens logs; USR2 upgrades to the program on disk. Exit status: 0, 1 for a\n"
    "failure, 2 for a wrong command line, 78 for a wrong configuration.\n";

struct word {
    const char *text;
    enum command command; /* 0: an option */
};

static const struct word words[] = {
    {"check", COMMAND_CHECK},
    {"-t", COMMAND_CHECK},
    {"healthcheck", COMMAND_HEALTHCHECK},
    {"server", COMMAND_SERVER},
    {"metrics", COMMAND_METRICS},
    {"reload", COMMAND_RELOAD},
    {"rollback", COMMAND_ROLLBACK},
    {"upgrade", COMMAND_UPGRADE},
    {"status", COMMAND_STATUS},
    {"filter", COMMAND_FILTER},
    {"help", COMMAND_HELP},
    {"--help", COMMAND_HELP},
    {"-h", COMMAND_HELP},
    {"--version", COMMAND_VERSION},
    {"-v", COMMAND_VERSION},
    {"-V", COMMAND_VERSIONS},
    {"-c", 0},
    {"--config", 0},
    {"--json", 0},
    {"--no-filters", 0},
    {"--last-good", 0},
};

enum {
    WORD_COUNT = sizeof(words) / sizeof(words[0]),
};

const char *command_line_usage(void)
{
    return usage;
}

const char *command_line_help(void)
{
    return help;
}

static const struct word *find_word(struct slice argument)
{
    for (int i = 0; i < WORD_COUNT; ++i) {
        if (slice_equals(slice_from_text(words[i].text), argument))
            return &words[i];
    }
    return NULL;
}

static bool refuse_word(struct slice argument, struct error *error)
{
    char phrase[SUGGEST_PHRASE_BYTES];
    struct suggest suggest = suggest_start(argument);
    bool is_option = argument.length != 0 && argument.data[0] == '-';
    for (int i = 0; i < WORD_COUNT; ++i) {
        if (strlen(words[i].text) > 2)
            suggest_offer(&suggest, slice_from_text(words[i].text));
    }
    bool is_file = !is_option && slice_find(argument, '.') != argument.length;
    const char *hint = suggest_phrase(&suggest, phrase);
    return error_set(error, "unknown %s '%.*s'%s", is_option ? "option" : "command", SLICE_ARG(argument),
                     is_file ? " (a configuration is named with -c)" : hint);
}

static bool set_file(struct command_line *line, const char *file, struct error *error)
{
    if (file == NULL || file[0] == '\0')
        return error_set(error, "-c needs the name of a file");
    if (line->file != NULL)
        return error_set(error, "-c stands there twice");
    line->file = file;
    return true;
}

static bool set_command(struct command_line *line, const struct word *word, struct error *error)
{
    if (line->command != COMMAND_SERVE && line->command != word->command)
        return error_set(error, "'%s' does not go with another command", word->text);
    if (word->command == COMMAND_FILTER)
        return error_set(error, "'filter' comes first: its tools take other arguments");
    line->command = word->command;
    return true;
}

static bool add_operand(struct command_line *line, const char *operand, struct error *error)
{
    struct slice text = slice_from_text(operand);
    if (line->operand_count == COMMAND_LINE_OPERANDS)
        return error_set(error, "'%s' is one too many: server takes UPSTREAM URL drain|ready", operand);
    if (line->operand_count == 2 && !slice_equals(text, SLICE("drain")) && !slice_equals(text, SLICE("ready")))
        return error_set(error, "'%s' cannot be done to a server: drain and ready can", operand);
    line->operands[line->operand_count++] = operand;
    return true;
}

static bool check_operands(const struct command_line *line, struct error *error)
{
    if (line->is_without_filters && line->command != COMMAND_SERVE)
        return error_set(error, "--no-filters is for serving only");
    if (line->is_json && line->command != COMMAND_SERVER && line->command != COMMAND_STATUS)
        return error_set(error, "--json goes with server and status only");
    if (line->may_use_last_good && line->command != COMMAND_SERVE)
        return error_set(error, "--last-good goes with serving only");
    return line->operand_count != 2 ||
           error_set(error, "server %s %s lacks what to do: drain or ready", line->operands[0], line->operands[1]);
}

static bool parse_argument(struct command_line *line, char ***next, struct error *error)
{
    const char *text = *(*next)++;
    struct slice argument = slice_from_text(text);
    if (line->command == COMMAND_SERVER && text[0] != '-')
        return add_operand(line, text, error);
    const struct word *word = find_word(argument);
    if (slice_equals(argument, SLICE("--no-filters")))
        return line->is_without_filters = true;
    if (slice_equals(argument, SLICE("--json")))
        return line->is_json = true;
    if (slice_equals(argument, SLICE("--last-good")))
        return line->may_use_last_good = true;
    if (word != NULL && word->command != 0)
        return set_command(line, word, error);
    if (word != NULL) {
        const char *file = **next;
        *next += file != NULL;
        return set_file(line, file, error);
    }
    if (slice_starts_with(argument, SLICE("--config=")))
        return set_file(line, text + strlen("--config="), error);
    if (slice_starts_with(argument, SLICE("-c")))
        return set_file(line, text + strlen("-c"), error);
    if (line->command != COMMAND_HEALTHCHECK || line->target != NULL || text[0] == '-')
        return refuse_word(argument, error);
    line->target = text;
    return true;
}

/* Wherever it stands: who asks for help has not finished the line. */
static bool wants_help(char **arguments)
{
    for (; *arguments != NULL; ++arguments) {
        if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0)
            return true;
    }
    return false;
}

bool command_line_parse(int count, char **arguments, struct command_line *line, struct error *error)
{
    *line = (struct command_line){.command = COMMAND_SERVE};
    char **next = arguments + (count != 0);
    /* its tools read their arguments themselves */
    if (*next != NULL && strcmp(*next, "filter") == 0) {
        *line = (struct command_line){.command = COMMAND_FILTER, .rest = next + 1};
        return true;
    }
    if (wants_help(next)) {
        line->command = COMMAND_HELP;
        return true;
    }
    while (*next != NULL) {
        if (!parse_argument(line, &next, error))
            return false;
    }
    return check_operands(line, error);
}
