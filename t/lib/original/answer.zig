//! A library of the original FlexiLib, in Zig: all of its memory comes from the allocator that it is handed. It answers
//! with method, target, number of header fields and body; /early with a response as early versions had it, /large with a
//! megabyte, /fields with header fields and a status, and /memory with whether the allocator keeps its word.
const std = @import("std");

const Header = extern struct {
    name: [*]const u8,
    name_length: usize,
    value: [*]const u8,
    value_length: usize,
};

const Request = extern struct {
    target: [*]const u8,
    target_length: usize,
    method: [*:0]const u8,
    method_length: usize,
    content: [*]const u8,
    content_length: usize,
    headers: [*]const Header,
    header_count: usize,
};

const EarlyResponse = extern struct {
    content: [*]const u8,
    content_length: usize,
    headers: [*]const Header,
    header_count: usize,
};

const Response = extern struct {
    content: [*]const u8,
    content_length: usize,
    headers: [*]const Header,
    header_count: usize,
    status: usize,
    reason: [*]const u8,
    reason_length: usize,
};

threadlocal var allocator: ?*std.mem.Allocator = null;

export fn zigInit(parent: *anyopaque) callconv(.C) void {
    allocator = @ptrCast(@alignCast(parent));
}

export fn handle_request(request: *const Request) callconv(.C) ?*anyopaque {
    const memory = (allocator orelse return null).*;
    return answer(memory, request) catch null;
}

fn answer(memory: std.mem.Allocator, request: *const Request) !*anyopaque {
    const target = request.target[0..request.target_length];
    var body = std.ArrayList(u8).init(memory);
    if (std.mem.eql(u8, target, "/large")) {
        while (body.items.len < 1 << 20) try body.appendSlice("0123456789abcdef");
    } else if (std.mem.eql(u8, target, "/memory")) {
        try body.appendSlice(try tryMemory(memory));
    } else {
        try body.writer().print("{s} {s} {d} {s}\n", .{
            request.method[0..request.method_length],
            target,
            request.header_count,
            request.content[0..request.content_length],
        });
    }
    const content = try body.toOwnedSlice();
    if (std.mem.eql(u8, target, "/early")) {
        const early = try memory.create(EarlyResponse);
        early.* = .{ .content = content.ptr, .content_length = content.len, .headers = undefined, .header_count = 0 };
        return early;
    }
    const response = try memory.create(Response);
    response.content = content.ptr;
    response.content_length = content.len;
    response.header_count = 0;
    response.status = 0;
    response.reason_length = 0;
    if (std.mem.eql(u8, target, "/fields")) {
        const headers = try memory.alloc(Header, 1);
        headers[0] = .{ .name = "X-Language", .name_length = 10, .value = "Zig", .value_length = 3 };
        response.headers = headers.ptr;
        response.header_count = headers.len;
        response.status = 202;
    }
    return response;
}

fn tryMemory(memory: std.mem.Allocator) ![]const u8 {
    const aligned = try memory.alignedAlloc(u8, 4096, 100);
    if (@intFromPtr(aligned.ptr) % 4096 != 0) return "not aligned\n";
    const many = try memory.alloc(u64, 1000);
    for (many, 0..) |*number, index| number.* = index;
    const fewer = try memory.realloc(many, 10);
    const more = try memory.realloc(fewer, 100000);
    for (more[0..10], 0..) |number, index| if (number != index) return "not kept\n";
    memory.free(more);
    memory.free(aligned);
    const nothing = memory.alloc(u8, std.math.maxInt(usize) / 2) catch return "as it should be\n";
    _ = nothing;
    return "more than there is\n";
}
