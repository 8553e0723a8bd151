# After an upgrade whose generation fails, workers of the program before it go on, and tell what the new supervisor counts.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Program;

my $folder  = make_folder();
my $program = FlexiLib::Test::Program->install("$folder/flexilib");
write_file("$folder/flexilib.yaml", <<'END');
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
shutdown_delay: 1h
routes:
  - { name: all, match: /, respond: 204 }
END
my $server = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => [$program->path, '-c', 'flexilib.yaml'],
    env     => { FLEXILIB_RUNTIME_DIR => $folder },
);
$server->wait_serving;
is(request($server, GET => '/')->status, 204, 'a request is counted');
$server->wait_access(qr/ 204 /);
my $version = $program->version;
is($server->metrics->values->{qq(flexilib_build_info{version="$version"})}, 1, 'by this program');

$server->write_file('flexilib.yaml', "nonsense: 1\n");
my $next = $program->next_version;
$program->replace(version => $next);
$server->signal('USR2');
$server->wait_log(qr/has taken over/);
$server->wait_log(qr/generation 2 failed/);
my $values = $server->metrics->values;
is($values->{qq(flexilib_build_info{version="$next"})}, 1, 'another takes over');
is($values->{'flexilib_reloads_total{result="failed"}'}, 1, 'whose counts are seen');
is($values->{'flexilib_requests_total{route="all",code="204"}'}, 1, 'and what was counted before');
$server->signal('TERM');
$server->wait_log(qr/not ready any more/);
is(curl('-s', $server->admin_url('/readyz'))->{out}, "stopping\n", 'and so is that it stops');
$server->signal('TERM');
$server->check_exit(0);
done_testing;
