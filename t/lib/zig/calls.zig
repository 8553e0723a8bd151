//! Tells what the calls give that no example uses.

const flexilib = @import("flexilib.zig");

const Calls = struct {
    pub const options = [_]flexilib.Option{
        flexilib.Option.of("pattern", .REGEX, "what is looked for in paths").required(),
        flexilib.Option.of("near", .RANGES, "who is near").required(),
        flexilib.Option.of("failure", .TEXT, "why it does not get ready"),
        flexilib.Option.of("refusal", .TEXT, "why it is refused"),
    };

    pattern: flexilib.Value,
    near: flexilib.Value,

    pub fn create(setup: *const flexilib.Setup) !Calls {
        const refusal = setup.option("refusal");
        if (refusal.raw.present) return setup.refuse(refusal.raw, refusal.text());
        const failure = setup.option("failure");
        setup.deferReady().set(if (failure.raw.present) failure.text() else null);
        return .{ .pattern = setup.option("pattern"), .near = setup.option("near") };
    }

    pub fn onRequestHead(self: *Calls, exchange: flexilib.Exchange) flexilib.Answer {
        var groups: [2]flexilib.c.struct_flexilib_text = undefined;
        const count = exchange.match(self.pattern.raw.regex, exchange.get(.path), 0, &groups);
        const found = if (count < 2) "nothing" else groups[1].data[0..groups[1].length];
        const is_near = exchange.inRanges(self.near.raw.ranges, exchange.get(.peer_address));
        const has_port = exchange.peerPort() != 0;
        return exchange.reply(200, "text/plain", exchange.print("{s} {} {}\n", .{ found, is_near, has_port }));
    }
};

comptime {
    flexilib.library(&.{flexilib.filter(Calls, "calls", "tells what calls give", "1.0")});
}
