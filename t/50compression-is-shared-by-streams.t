# One connection of HTTP/2 with many slow streams has a part of them compressed, within little memory, and all of them right;
# one stream after the other has what its client likes best.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Node;

need_node();
my $folder = make_folder();
my $page   = join '', map { "<p>paragraph $_ of " . ($_ * 7919 % 10007) . " words</p>\n" } 1 .. 10_000;
my $short  = substr $page, 0, 65_000;
write_file("$folder/streams.js", <<'END');
const http2 = require('http2'), zlib = require('zlib');
const [url, kind, accepted] = process.argv.slice(2), count = 30;
const unpack = { gzip: zlib.createGunzip, br: zlib.createBrotliDecompress };
const ask = (session, number, then) => {
    const stream = session.request({ ':path': `/${kind}?${number}`, 'accept-encoding': accepted });
    const parts = [];
    stream.on('response', headers => {
        const coding = headers['content-encoding'] || 'plain';
        const body = unpack[coding] ? stream.pipe(unpack[coding]()) : stream;
        body.on('data', part => parts.push(part)).on('end', () => then(coding, Buffer.concat(parts)));
        stream.emit('begun', coding);
    });
    return stream;
};
const sizes = new Set(), codings = {};
const note = (coding, body) => { codings[coding] = (codings[coding] || 0) + 1; sizes.add(body.toString().length); };
const tell = () => {
    console.log(JSON.stringify(Object.fromEntries(Object.entries(codings).sort())), [...sizes].join());
    process.exit(0);
};
// all at a time, none of which goes on before all have begun
const many = http2.connect(url, { settings: { initialWindowSize: 0 } });
let begun = 0, ended = 0;
for (let number = 0; number < count; ++number) {
    ask(many, number, (coding, body) => {
        note(coding, body);
        if (++ended === count) {
            // one after the other
            console.log(JSON.stringify(Object.fromEntries(Object.entries(codings).sort())));
            for (const coding in codings) delete codings[coding];
            follow(10);
        }
    }).on('begun', () => { if (++begun === count) many.settings({ initialWindowSize: 1 << 20 }); });
}
const follow = left => left === 0 ? tell() : ask(many, left, (coding, body) => { note(coding, body); follow(left - 1); });
END
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
        my $body = $request->target =~ /short/ ? $short : $page;
        $connection->send($request->target =~ /chunked/
            ? sprintf "${head}Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", length $body, $body
            : "${head}Content-Length: " . length($body) . "\r\n\r\n$body");
    }
});
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
compress: { codings: [br, gzip] }
routes:
  - proxy: "@{[$backend->url]}"
END
for my $kind (qw(chunked length short)) {
    for my $row (['gzip, br', 'br'], ['gzip', 'gzip'], ['br', 'br']) {
        my ($accepted, $best) = @$row;
        my $result = run_command(['node', "$folder/streams.js", $flexilib->url(''), $kind, $accepted], timeout => 60);
        my ($at_once, $in_turn) = split /\n/, $result->{out};
        my %count = ($at_once // '') =~ /"(\w+)":(\d+)/g;
        note("$accepted, $kind: $at_once");
        cmp_ok($count{gzip} // 0, '>=', 8, "$accepted, $kind: many are compressed at a time") if $accepted =~ /gzip/;
        cmp_ok($count{br} // 0, '>', 0, 'one as its client likes it best') if $best eq 'br';
        cmp_ok($count{plain} // 0, '>', 0, 'not all');
        is($in_turn, "{\"$best\":10} " . length($kind eq 'short' ? $short : $page), 'one after the other, all; and every one is whole') or diag($result->{err});
    }
}
done_testing;
