//! A handler that pauses, and is resumed from another thread.

const flexilib = @import("flexilib.zig");
const std = @import("std");

const Wait = struct {
    threads: std.Thread.WaitGroup = .{},

    /// Threads have to end before the filter does.
    pub fn destroy(self: *Wait) void {
        self.threads.wait();
    }

    fn work(self: *Wait, resumer: flexilib.Resumer) void {
        defer self.threads.finish();
        resumer.send(@as([]const u8, "worked out elsewhere\n"));
    }

    pub fn onRequestHead(self: *Wait, exchange: flexilib.Exchange) !flexilib.Answer {
        self.threads.start();
        errdefer self.threads.finish();
        const thread = try std.Thread.spawn(.{}, work, .{ self, exchange.resumer() });
        thread.detach();
        return .pause;
    }

    pub fn onResume(_: *Wait, exchange: flexilib.Exchange, result: flexilib.Result) flexilib.Answer {
        return exchange.reply(200, "text/plain", result.take([]const u8) orelse return .fail);
    }
};

comptime {
    flexilib.library(&.{flexilib.filter(Wait, "wait", "waits for a thread", "1.0")});
}
