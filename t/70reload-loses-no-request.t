# Twenty reloads under load: no request fails, and each time the new library answers as soon as it is reported.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my %library = map { $_ => read_file(test_library("answer_$_")) } qw(one two);
write_file("$folder/answer.so", $library{one});
my $flexilib = start_flexilib(dir => $folder, config => <<'END');
listen: 127.0.0.1:0
workers: 2
watch: off
routes:
  - { match: /, handler: ./answer.so }
END

my @loads = map { start_load($flexilib, connections => 8, expect => qr/\A(?:one|two)\n\z/) } 1 .. 2;
$_->wait_running for @loads;
my @wrong;
for my $round (1 .. 20) {
    my $name = $round % 2 ? 'two' : 'one';
    # Both ways to install a file: over the old one, and beside it with a rename.
    if ($round % 4 < 2) {
        write_file("$folder/answer.so", $library{$name});
    } else {
        $flexilib->write_file('answer.so', $library{$name});
    }
    $flexilib->reload;
    $flexilib->wait_serving($round + 1);
    push @wrong, grep { $_ ne "$name\n" } map { request($flexilib, GET => '/')->body } 1 .. 5;
}
is_deeply(\@wrong, [], 'what is reported serves, and nothing else');
my ($requests, $closes) = (0, 0);
for my $load (@loads) {
    my $result = $load->stop;
    is_deeply($result->{failures}, [], 'no request failed');
    $requests += $result->{requests};
    $closes   += $result->{closes};
}
cmp_ok($closes, '>', 20, "connections were told to move ($closes, of $requests requests)");

done_testing;
