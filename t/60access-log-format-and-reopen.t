# The access log: one line for each request, in the original's shape; and opened anew on USR1.

use lib 't/lib';
use FlexiLib::Test;

my $time   = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;
my $ms     = qr/\d+\.\d{3}ms/;
my $memory = qr/\(pre-alloc: \d+, alloc: \d+\)/;

{
    my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, handler: hello }
END
    my $connection = $flexilib->connect;
    my ($port) = $connection->local_address =~ /:(\d+)$/;
    $connection->send_request(GET => '/some/path?q=1');
    my $length = length $connection->read_response->body;
    like(
        $flexilib->wait_access(qr/some/),
        qr{^$time [0-9a-f]{16} 127\.0\.0\.1:$port - - "GET /some/path\?q=1 HTTP/1\.1" 200 ttfb $ms $length ttlb $ms $memory$},
        'time and request id stand in front'
    );
    raw($flexilib, "POST /old HTTP/1.0\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    like($flexilib->wait_access(qr/old/), qr{ 127\.0\.0\.1:\d+ - - "POST /old HTTP/1\.0" 200 ttfb }, 'method and version as they came');
    raw($flexilib, "GET /\"quoted\\ HTTP/1.1\r\nHost: x\r\n\r\n");
    raw($flexilib, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    $flexilib->wait_access(qr/last/);
    my @odd = grep { !m{^$time [0-9a-f]{16} 127\.0\.0\.1:\d+ - - "(?:[^"\\]|\\.)*" \d{3} ttfb $ms \d+ ttlb $ms $memory$} }
        $flexilib->access_log;
    is_deeply(\@odd, [], 'no request breaks the shape of a line');
}

{
    my $backend = start_static_backend(status => 200, body => 'hello');
    my $dead    = 'http://127.0.0.1:' . free_port();
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  pair: { servers: [{ url: "$dead", weight: 256 }, "@{[$backend->url]}"] }
routes:
  - { match: /pair, proxy: pair }
  - { match: /dead, proxy: "$dead" }
END
    my $shape = qr{ $memory upstream (\S+) server (\S+) tries (\d+) waited $ms answered (-|$ms)$};
    my $fields = sub {
        my ($path) = @_;
        request($flexilib, GET => $path);
        return [$flexilib->wait_access(qr/\Q$path\E /) =~ $shape];
    };
    my $pair = $fields->('/pair');
    like(pop @$pair, qr/^$ms$/, 'a line says how long the server took to answer');
    is_deeply($pair, ['pair', $backend->url, 2], 'which one it was, and how many were tried');
    is_deeply($fields->('/dead'), [$dead, $dead, 1, '-'], 'also where none has answered');
    $flexilib->stop;
}

{
    my $hello = build_folder() . '/filters/hello.so';
    my $flexilib = start_flexilib(
        file   => 'proxy.ini',
        env    => { PORT => 0, ADDRESS => '127.0.0.1', SERVER_THREAD_COUNT => 1, RESPONSE_PREALLOCATION_KB => 2 },
        config => "/ = $hello\n"
    );
    my $connection = $flexilib->connect;
    my ($port) = $connection->local_address =~ /:(\d+)$/;
    $connection->send_request(GET => '/');
    my $length = length $connection->read_response->body;
    like(
        $flexilib->wait_access(qr/GET/),
        qr{^127\.0\.0\.1:$port - - "GET / HTTP/1\.1" 200 ttfb $ms $length ttlb $ms \(pre-alloc: 2048, alloc: \d+\)$},
        'with proxy.ini exactly as the original wrote it'
    );
}

{
    my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 2
access_log: access.log
routes:
  - { match: /, handler: hello }
END
    my $file     = $flexilib->dir . '/access.log';
    my $requests = 0;
    my $ask      = sub { request($flexilib, GET => '/' . ++$requests) };
    $ask->() for 1 .. 5;
    rename $file, "$file.1" or die "rename: $!";
    $flexilib->signal('USR1');
    $flexilib->wait_log(qr/info: logs reopened/);
    # A worker hears of it by a message, which a request may overtake.
    $ask->() while $requests < 1000 && !-s $file;
    ok(-s $file, 'after USR1 lines go to a new file');
    $flexilib->reload;
    $flexilib->wait_serving(2);
    $ask->() for 1 .. 5;
    $flexilib->stop;
    my @lines = split /\n/, read_file("$file.1") . read_file($file);
    my %seen;
    $seen{$_}++ for map { m{"GET /(\d+) } } @lines;
    is(scalar @lines, $requests, 'no line is lost or doubled');
    is_deeply([grep { ($seen{$_} // 0) != 1 } 1 .. $requests], [], 'each request has its own');
    is($flexilib->access_log + 0, 0, 'and standard output has none');
}

{
    my $dir    = make_folder();
    my $folder = "$dir/logs";
    mkdir $folder or die "mkdir: $!";
    my $flexilib = start_flexilib(dir => $dir, config => <<'END');
listen: 127.0.0.1:0
workers: 1
access_log: logs/access.log
END
    rename $folder, "$folder.old" or die "rename: $!";
    $flexilib->signal('USR1');
    my $line = $flexilib->wait_log(qr/reopen/);
    like($line, qr{error: cannot reopen \Q$folder\E/access\.log: No such file or directory; lines go where they went before$}, 'a folder that is gone is told of');
    request($flexilib, GET => '/there');
    mkdir $folder or die "mkdir: $!";
    $flexilib->signal('USR1');
    like($flexilib->wait_log(qr/reopen/), qr/info: logs reopened$/, 'and nothing else is, until all is well');
    ok(-e "$folder/access.log", 'then there is a new one');
    $flexilib->stop;
    like(join('', map { read_file($_) } "$folder.old/access.log", "$folder/access.log"), qr{"GET /there }, 'no line is lost meanwhile');
}

{
    my $result = run_flexilib([], config => <<'END');
listen: 127.0.0.1:0
access_log: no/such/folder/access.log
routes:
  - { match: /, handler: hello }
END
    is($result->{status}, 78, 'a log that cannot be opened is refused');
    like($result->{err}, qr{error: flexilib\.yaml\S* cannot open the access log '/\S+/access\.log': }, 'and named');
}

done_testing;
