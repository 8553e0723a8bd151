#include "base/crash_record.h"

#include "base/crash_maps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LAST_PC = (0x100 + 399) * 0x1000 + 0x123, /* in the last of very many mappings */
};

static struct crash_record record;

static void read_maps(const char *text)
{
    int fd = memfd_create("maps", 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    memset(&record, 0, sizeof(record));
    record.pc = LAST_PC;
    crash_maps_read_from(fd, &record);
    close(fd);
    record.magic = CRASH_RECORD_MAGIC;
    record.version = CRASH_RECORD_VERSION;
    record.size = sizeof(record);
    record.progress = CRASH_COMPLETE;
}

static void check_mapping(uint64_t address, uint64_t base, const char *path)
{
    const struct crash_mapping *mapping = crash_record_find_mapping(&record, address);
    assert_non_null(mapping);
    assert_int_equal(mapping->base, base);
    assert_string_equal(crash_record_path(&record, mapping), path);
}

static void test_mappings_of_code_are_kept(void **state)
{
    read_maps("55d0c0000000-55d0c0010000 r--p 00000000 fe:01 1234                       /usr/bin/flexilib\n"
              "55d0c0010000-55d0c0020000 r-xp 00010000 fe:01 1234                       /usr/bin/flexilib\n"
              "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
              "7f0000100000-7f0000101000 r--p 00000000 fe:01 99                         /tmp/a b/x.so\n"
              "7f0000102000-7f0000103000 r-xp 00001000 fe:01 99                         /tmp/a b/x.so\n"
              "7f0000200000-7f0000201000 rwxp 00000000 00:00 0 \n"
              "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]\n"
              "7ffe00000000-7ffe00002000 r-xp 00002000 fe:01 77                         /tmp/late.so (deleted)");
    assert_true(crash_record_check(&record));
    assert_int_equal(record.mapping_count, 4);
    check_mapping(0x55d0c0010000, 0x55d0c0000000, "/usr/bin/flexilib");
    check_mapping(0x55d0c001ffff, 0x55d0c0000000, "/usr/bin/flexilib");
    check_mapping(0x7f0000102fff, 0x7f0000100000, "/tmp/a b/x.so");
    check_mapping(0x7f0000200000, 0x7f0000200000, "");
    check_mapping(0x7ffd00000001, 0x7ffd00000000, "[vdso]");
    assert_null(crash_record_find_mapping(&record, 0));
    assert_null(crash_record_find_mapping(&record, 0x7f0000100000));
}

static void test_more_than_there_is_room_for_is_left_out(void **state)
{
    enum { LINE = 200, LINES = 400 };
    char *text = malloc(LINE * LINES + 10000), *end = text;
    for (int i = 0; i < LINES; ++i)
        end += sprintf(end, "%x000-%x800 r-xp 00000000 fe:01 %d %0100d\n", 0x100 + i, 0x100 + i, i + 1, i);
    memset(end, 'x', 9000);
    strcpy(end + 9000, "\n");
    read_maps(text);
    free(text);
    assert_true(crash_record_check(&record));
    assert_int_equal(record.mapping_count,
                     CRASH_PATHS_BYTES / 101 < CRASH_MAPPINGS ? CRASH_PATHS_BYTES / 101 : CRASH_MAPPINGS);
    assert_non_null(crash_record_find_mapping(&record, 0x100000));
    assert_non_null(crash_record_find_mapping(&record, LAST_PC));
}

static void test_the_own_maps_are_read(void **state)
{
    memset(&record, 0, sizeof(record));
    crash_maps_read(-1, &record);
    record.progress = CRASH_MAPPED;
    const struct crash_mapping *mapping =
        crash_record_find_mapping(&record, (uint64_t)(uintptr_t)test_the_own_maps_are_read);
    assert_non_null(mapping);
    assert_non_null(strstr(crash_record_path(&record, mapping), "crash_record"));
}

static void use(struct crash_record *copy)
{
    uint64_t frames[CRASH_FRAMES], value;
    for (uint32_t i = 0; i < copy->mapping_count; ++i)
        assert_in_range(strlen(crash_record_path(copy, &copy->mappings[i])), 0, CRASH_PATHS_BYTES);
    assert_in_range(crash_record_walk(copy, frames, CRASH_FRAMES), 0, CRASH_FRAMES);
    crash_record_find_mapping(copy, copy->pc);
    crash_record_read_stack(copy, copy->sp, &value);
    crash_record_leave_nowhere(copy);
    assert_in_range(strlen(copy->call.filter), 0, SLOT_FILTER_BYTES - 1);
    assert_in_range(strlen(copy->call.request.line), 0, SLOT_LINE_BYTES - 1);
    assert_in_range(strlen(copy->thread_name), 0, CRASH_THREAD_BYTES - 1);
}

static void test_nonsense_is_made_harmless(void **state)
{
    assert_false(crash_record_check(&record));
    srand(1);
    for (int round = 0; round < 300; ++round) {
        unsigned char *bytes = (unsigned char *)&record;
        for (size_t i = 0; i < sizeof(record); ++i)
            bytes[i] = round % 3 == 0 ? 0xff : (unsigned char)rand();
        record.magic = CRASH_RECORD_MAGIC;
        record.version = CRASH_RECORD_VERSION;
        record.size = sizeof(record);
        record.progress = (uint32_t)rand() % (CRASH_COMPLETE + 2);
        record.machine = (uint32_t)round % 4;
        if (round % 2 == 0) {
            record.paths_length = (uint32_t)rand() % (2 * CRASH_PATHS_BYTES);
            for (int i = 0; i < CRASH_MAPPINGS; ++i) {
                record.mappings[i].path %= CRASH_PATHS_BYTES + 2;
                record.mappings[i].path_length %= CRASH_PATHS_BYTES + 2;
            }
            record.fp = record.sp = record.stack_start + (uint32_t)rand() % CRASH_STACK_BYTES;
        }
        if (crash_record_check(&record))
            use(&record);
    }
}

static void test_texts_are_fit_to_print(void **state)
{
    read_maps("1000-2000 r-xp 00000000 fe:01 1 /a\033[2Jb\n");
    memcpy(record.thread_name, "0123456789abcdef", sizeof(record.thread_name));
    strcpy(record.call.filter, "a\nb'");
    strcpy(record.call.request.line, "GET /\x01\xff'");
    assert_true(crash_record_check(&record));
    check_mapping(0x1000, 0x1000, "/a?[2Jb");
    assert_string_equal(record.thread_name, "0123456789abcde");
    assert_string_equal(record.call.filter, "a?b?");
    assert_string_equal(record.call.request.line, "GET /???");
}

static void put_word(uint64_t address, uint64_t value)
{
    memcpy(record.stack + (address - record.stack_start), &value, sizeof(value));
}

static void test_frame_pointers_lead_up(void **state)
{
    read_maps("1000-2000 r-xp 00000000 fe:01 1 /a\n");
    uint64_t frames[3];
    record.machine = CRASH_MACHINE_X86_64;
    record.stack_start = 0x7000;
    record.stack_length = 0x100;
    record.pc = 0x1111;
    record.fp = 0x7010;
    put_word(0x7010, 0x7030);
    put_word(0x7018, 0x1222);
    put_word(0x7030, 0x7020);
    put_word(0x7038, 0x1333);
    assert_true(crash_record_check(&record));
    assert_int_equal(crash_record_walk(&record, frames, 3), 3);
    assert_int_equal(frames[0], 0x1111);
    assert_int_equal(frames[1], 0x1222);
    assert_int_equal(frames[2], 0x1333);
    put_word(0x7030, 0x7010);
    assert_int_equal(crash_record_walk(&record, frames, 3), 3);
    assert_int_equal(crash_record_walk(&record, frames, 1), 1);
    record.fp = 0x70fc;
    assert_int_equal(crash_record_walk(&record, frames, 3), 1);
}

static void test_a_jump_to_nowhere_is_taken_back(void **state)
{
    read_maps("1000-2000 r-xp 00000000 fe:01 1 /a\n");
    record.machine = CRASH_MACHINE_X86_64;
    record.stack_start = 0x7000;
    record.stack_length = 0x100;
    record.sp = 0x7008;
    put_word(0x7008, 0x1222);
    assert_true(crash_record_check(&record));
    assert_true(crash_record_leave_nowhere(&record));
    assert_int_equal(record.pc, 0x1222);
    assert_int_equal(record.registers[16], 0x1222);
    assert_int_equal(record.sp, 0x7010);
    assert_false(crash_record_leave_nowhere(&record));
    record.machine = CRASH_MACHINE_AARCH64;
    record.pc = 0;
    record.registers[30] = 0x1333;
    assert_true(crash_record_leave_nowhere(&record));
    assert_int_equal(record.pc, 0x1333);
    record.pc = 0;
    record.registers[30] = 0;
    assert_false(crash_record_leave_nowhere(&record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings_of_code_are_kept),
        cmocka_unit_test(test_more_than_there_is_room_for_is_left_out),
        cmocka_unit_test(test_the_own_maps_are_read),
        cmocka_unit_test(test_nonsense_is_made_harmless),
        cmocka_unit_test(test_texts_are_fit_to_print),
        cmocka_unit_test(test_frame_pointers_lead_up),
        cmocka_unit_test(test_a_jump_to_nowhere_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
