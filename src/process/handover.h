#ifndef FLEXILIB_PROCESS_HANDOVER_H
#define FLEXILIB_PROCESS_HANDOVER_H

/* What one supervisor leaves to the program that takes its place: text in sealed memory, a record in each line, a word
 * and its fields. Descriptors stand there by their numbers, which stay. The reader believes nothing: each field has its
 * kind and its bounds, each descriptor stands there once and is open, and a text that is cut short or goes on too long
 * is refused as a whole. What the records mean is the business of handover_supplies.h and handover_generation.h. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HANDOVER_FORMAT = 1, /* raised with every change of a record */
};

struct handover {
    struct text text;
    int *fds; /* that the program keeps */
    size_t fd_count, fd_capacity;
    size_t record_count;
};

/* Starts a text, with the version of the program that writes it. */
void handover_begin(struct handover *handover, const char *version);
void handover_finish(struct handover *handover);

/* Begins a record; its fields follow, in the order in which they are taken. A text may be NULL, a descriptor -1. */
void handover_add_record(struct handover *handover, const char *word);
void handover_add_number(struct handover *handover, int64_t number);
void handover_add_unsigned(struct handover *handover, uint64_t number);
void handover_add_text(struct handover *handover, const char *text);
void handover_add_slice(struct handover *handover, struct slice text);
void handover_add_fd(struct handover *handover, int fd);

/* Ends the text and puts it into memory that nobody can change, whose descriptor is kept too and is the caller's.
 * Returns -1 with errno set. */
int handover_seal(struct handover *handover);

struct handover_reader {
    char *data;
    size_t length;
    struct slice rest, fields;
    struct slice word; /* of the record that is read */
    uint64_t record_count;
    bool is_at_end; /* the record that ends the text was read */
    char *version;  /* of the program that wrote it */
    int *fds;       /* that stood there */
    size_t fd_count, fd_capacity;
    struct error *error; /* is_set: all that follows is nothing */
};

/* Reads what fd holds. Returns false and fills error where it is no such text, or of a format that is not known. */
bool handover_open(struct handover_reader *reader, int fd, struct error *error) __attribute__((warn_unused_result));
void handover_close(struct handover_reader *reader);

/* Goes to the next record, whose word is in reader->word. False at the end, and where something is wrong. */
bool handover_next(struct handover_reader *reader);
bool handover_is(const struct handover_reader *reader, const char *word);

/* Take the next field. What does not fit fills the error; then they return 0, NULL or -1. The caller frees texts. A
 * descriptor that is taken closes at exec again. */
int64_t handover_take_number(struct handover_reader *reader, int64_t least, int64_t most);
uint64_t handover_take_unsigned(struct handover_reader *reader);
bool handover_take_bool(struct handover_reader *reader);
char *handover_take_text(struct handover_reader *reader);
struct slice handover_take_slice(struct handover_reader *reader);
int handover_take_fd(struct handover_reader *reader);

/* The same for fields that have to be there. */
char *handover_need_text(struct handover_reader *reader);
int handover_need_fd(struct handover_reader *reader);

/* Says that something about the record is wrong. Returns false. */
bool handover_refuse(struct handover_reader *reader, const char *what);

/* Says that no fields follow. Returns false where some do, or where something was wrong. */
bool handover_end_record(struct handover_reader *reader) __attribute__((warn_unused_result));

#endif
