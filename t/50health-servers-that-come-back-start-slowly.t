# A server that comes back gets a small part of its share at first; when all have just come back they share evenly, and
# when FlexiLib starts nobody starts slowly.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my %server = map { $_ => start_named($_) } qw(a b);

# NAME.sick makes a server answer checks with 503, NAME.broken close the connections of requests.
sub start_named {
    my ($name) = @_;
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                my $is_check = $request->target eq '/healthz';
                return if !$is_check && -e "$folder/$name.broken";
                $connection->respond($is_check && -e "$folder/$name.sick" ? 503 : 200, [], $name);
            }
        }
    );
}

my $servers  = join ', ', map { '"' . $server{$_}->url . '"' } qw(a b);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  asked:
    servers: [$servers]
    health: { path: /healthz, every: 50ms, timeout: 30s, unhealthy_after: 2 }
    slow_start: 1d
  watched:
    servers: [$servers]
    eject: { failures: 2, time: 50ms }
    retry: no
    slow_start: 1d
routes: [{ match: /asked, proxy: asked }, { match: /watched, proxy: watched }]
END

# How many of so many answers are whose.
sub ask {
    my ($upstream, $count) = @_;
    my %seen = (a => 0, b => 0);
    $seen{ request($flexilib, GET => "/$upstream")->body }++ for 1 .. $count;
    return \%seen;
}

sub turn_sick_and_well {
    my ($name) = @_;
    write_file("$folder/$name.sick", '');
    $flexilib->wait_log(qr/: unhealthy/);
    unlink "$folder/$name.sick" or die "unlink: $!";
    $flexilib->wait_log(qr/: healthy$/);
    return;
}

is_deeply(ask('asked', 10), { a => 5, b => 5 }, 'nobody starts slowly with FlexiLib');
turn_sick_and_well('a');
my $seen = ask('asked', 55);
cmp_ok($seen->{a}, '>=', 4, 'a server that is well again gets a tenth of what others get');
cmp_ok($seen->{a}, '<=', 6, 'and no more');
turn_sick_and_well('b');
$seen = ask('asked', 40);
cmp_ok($seen->{a}, '>=', 19, 'two that start slowly share evenly');
cmp_ok($seen->{a}, '<=', 21, 'both');

write_file("$folder/a.broken", '');
request($flexilib, GET => '/watched') while $flexilib->log !~ /put out/;
unlink "$folder/a.broken" or die "unlink: $!";
request($flexilib, GET => '/watched') while $flexilib->log !~ /is back/;
$seen = ask('watched', 55);
cmp_ok($seen->{a}, '>=', 4, 'one that was put out starts slowly too');
cmp_ok($seen->{a}, '<=', 6, 'as slowly');
done_testing;
