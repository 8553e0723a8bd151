# Many workers need more descriptors in the supervisor than the usual soft limit allows.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
write_file("$folder/flexilib.yaml", <<'END');
listen: 127.0.0.1:0
workers: 8
routes:
  - { match: /, handler: hello }
END
my $flexilib = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => ['/bin/sh', '-c', 'ulimit -S -n 24; exec "$0" "$@"', build_folder() . '/flexilib', '-c', 'flexilib.yaml'],
);
like($flexilib->wait_log(qr/error: |is serving/), qr/generation 1 is serving \(8 workers\)/, 'all are started');
$flexilib->reload;
like($flexilib->wait_log(qr/error: |is serving/), qr/generation 2 is serving \(8 workers\)/, 'and a second generation beside them');
$flexilib->stop;

done_testing;
