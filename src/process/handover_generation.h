#ifndef FLEXILIB_PROCESS_HANDOVER_GENERATION_H
#define FLEXILIB_PROCESS_HANDOVER_GENERATION_H

/* The generations' part of a handover: each with what it uses and its workers, which stay children of this process
 * whatever program it runs; and what one may go back to. Only those that serve, drain or have failed can be handed
 * over. Follows the supplies' part
 * (handover_supplies.h). */

#include "process/handover.h"
#include "process/reloads.h"

void handover_generations_add(struct handover *handover, const struct reloads *reloads);

/* Takes the record that the reader stands at. Returns false where it is none of these; whether it was a good one is
 * told by the reader's error. */
bool handover_generations_take(struct handover_reader *reader, struct reloads *reloads);

/* After the last record: checks that one generation serves. Returns false and fills error. */
bool handover_generations_complete(struct generations *generations, struct error *error)
    __attribute__((warn_unused_result));

#endif
