#include "autopsy/demangler.h"

#include "autopsy/libdw.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_SHOWN = 160,
    RUST_HASH = 3 + 16, /* "::h0123456789abcdef" */
};

void demangler_load(struct demangler *demangler)
{
    void *function = library_function("libstdc++.so.6", "__cxa_demangle");
    memcpy(&demangler->demangle, &function, sizeof(demangler->demangle));
}

/* What Rust writes in symbols for characters that cannot stand there. */
static const struct {
    const char *code, *text;
} rust_codes[] = {
    {"$LT$", "<"},  {"$GT$", ">"},  {"$LP$", "("},  {"$RP$", ")"},  {"$RF$", "&"},  {"$BP$", "*"}, {"$C$", ","},
    {"$u20$", " "}, {"$u7b$", "{"}, {"$u7d$", "}"}, {"$u5b$", "["}, {"$u5d$", "]"}, {"..", "::"},
};

static size_t rust_length(const char *name)
{
    size_t length = strlen(name);
    const char *hash = length < RUST_HASH ? "" : name + length - RUST_HASH;
    return strncmp(hash, "::h", 3) == 0 && strspn(hash + 3, "0123456789abcdef") == 16 ? length - RUST_HASH : 0;
}

static size_t print_code(const char *name, struct text *out)
{
    for (size_t i = 0; i < sizeof(rust_codes) / sizeof(rust_codes[0]); ++i) {
        size_t length = strlen(rust_codes[i].code);
        if (strncmp(name, rust_codes[i].code, length) == 0) {
            text_print(out, "%s", rust_codes[i].text);
            return length;
        }
    }
    text_add_char(out, *name);
    return 1;
}

static void print_rust(const char *name, size_t length, struct text *out)
{
    for (size_t i = 0; i < length;) {
        bool is_mark = name[i] == '_' && name[i + 1] == '$' && (i == 0 || name[i - 1] == ':');
        i += is_mark ? 1 : print_code(name + i, out);
    }
}

static void print_short(const char *name, struct text *out)
{
    bool is_long = strlen(name) > MOST_SHOWN;
    text_print(out, "%.*s%s", MOST_SHOWN, name, is_long ? "..." : "");
}

void demangler_print(const struct demangler *demangler, const char *symbol, struct text *out)
{
    int status = 0;
    char *name = NULL;
    if (demangler->demangle != NULL && strncmp(symbol, "_Z", 2) == 0)
        name = demangler->demangle(symbol, NULL, NULL, &status);
    size_t length = name == NULL ? 0 : rust_length(name);
    if (length != 0)
        print_rust(name, length, out);
    else
        print_short(name == NULL ? symbol : name, out);
    free(name);
}
