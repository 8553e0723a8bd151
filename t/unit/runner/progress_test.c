/* Memory that a worker offers a runner, and what it is refused for. */

#include "runner/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void open_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void both_see_how_far_it_is(void **state)
{
    int fds[2];
    open_pair(fds);
    struct progress *ours = progress_offer(fds[0]), *theirs = progress_accept(fds[1]);
    assert_non_null(ours);
    assert_non_null(theirs);
    atomic_store(&theirs->begun, 7);
    assert_int_equal(atomic_load(&ours->begun), 7);
    assert_false(progress_is_late(ours, SLICE("00c0ffee")));
    assert_false(progress_is_late(ours, SLICE_NONE));
    progress_tell_late(theirs, (const char[SLOT_REQUEST_BYTES]){"00c0ffee"});
    assert_true(progress_is_late(ours, SLICE("00c0ffee")));
    assert_false(progress_is_late(ours, SLICE("00c0ffe0")));
    assert_false(progress_is_late(ours, SLICE("00c0ffee0")));
    memset(theirs->late, 'x', sizeof(theirs->late));
    assert_false(progress_is_late(ours, SLICE("00c0ffee")));
    progress_close(ours);
    progress_close(theirs);
    close(fds[0]);
    close(fds[1]);
}

/* What anybody might send in its place. */
static void refuse_memory(int memory)
{
    int fds[2];
    open_pair(fds);
    char byte = 'P';
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &memory, sizeof(int));
    assert_int_equal(sendmsg(fds[0], &message, 0), 1);
    assert_null(progress_accept(fds[1]));
    close(fds[0]);
    close(fds[1]);
    close(memory);
}

static void other_memory_is_refused(void **state)
{
    int small = memfd_create("small", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(small, 1), 0);
    assert_int_equal(fcntl(small, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    refuse_memory(small);
    int open_ended = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(open_ended, sizeof(struct progress)), 0);
    refuse_memory(open_ended);
    refuse_memory(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static void a_byte_alone_is_none(void **state)
{
    int fds[2];
    open_pair(fds);
    assert_null(progress_accept(fds[1]));
    assert_int_equal(write(fds[0], "P", 1), 1);
    assert_null(progress_accept(fds[1]));
    close(fds[0]);
    assert_null(progress_accept(fds[1]));
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_see_how_far_it_is),
        cmocka_unit_test(other_memory_is_refused),
        cmocka_unit_test(a_byte_alone_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
