#ifndef FLEXILIB_PROCESS_SUPERVISOR_HANDOVER_H
#define FLEXILIB_PROCESS_SUPERVISOR_HANDOVER_H

/* The program's third role: a supervisor that goes on from the state of another one (upgrade.h). The state comes as
 * handover.h has it. */

/* Runs the role, which arguments name: `--supervisor probe FD` restores the state, says so and leaves, without any
 * trace; `--supervisor resume FD -c FILE` goes on as the supervisor. Returns the exit status. */
int supervisor_resume(int count, char **arguments);

#endif
