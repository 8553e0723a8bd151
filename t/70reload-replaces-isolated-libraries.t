# Reloads under load replace the processes of isolated libraries, and no request is lost.

use lib 't/lib';
use FlexiLib::Test;

my $isolated = test_library('isolated');
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
watch: off
libraries: { own: { path: $isolated, isolate: process, instances: 2 } }
routes:
  - { match: /, handler: own.isolated }
END
my $load = start_load($flexilib, path => '/', connections => 8, expect => qr/^\d+ in \d+, no fetch$/);
$load->wait_running;
for my $generation (2 .. 8) {
    $flexilib->reload;
    $flexilib->wait_serving($generation);
}
my $result = $load->stop;
is_deeply($result->{failures}, [], 'no request fails');
$flexilib->wait_log(qr/generation 7 has drained/);
is(scalar($flexilib->runner_pids), 2, 'the processes of older generations are gone');
done_testing;
