# Libraries may export functions and variables by the same names: each has its own, in a worker as in a process of its own.

use lib 't/lib';
use FlexiLib::Test;

my %library  = (one => test_library('answer_one'), two => test_library('answer_two'));
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
libraries:
  one: $library{one}
  two: $library{two}
routes:
  - { match: /one, handler: one }
  - { match: /two, handler: two }
  - { match: /isolated/one, handler: { use: one, isolate: process } }
  - { match: /isolated/two, handler: { use: two, isolate: process } }
END

for my $path (qw(one two isolated/one isolated/two)) {
    my ($name) = $path =~ /(\w+)$/;
    is(request($flexilib, GET => "/$path")->body, "$name\n", "/$path is answered by its own library");
}

done_testing;
