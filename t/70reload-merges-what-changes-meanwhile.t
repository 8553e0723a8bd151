# What changes while a generation starts is taken up by one more, however much it is, and by none where it has been read
# already; a rollback is not undone by what it went back from.

use lib 't/lib';
use FlexiLib::Test;

my $edit    = test_library('edit');
my $folder  = make_folder();
my %library = map { $_ => read_file(test_library("answer_$_")) } qw(one two);
write_file("$folder/$_.so",      $library{one}) for qw(a b late);
write_file("$folder/$_.so.next", $library{two}) for qw(a b late);

# When the filter in the middle is created, a and b have been read, and late has not.
my $config = <<"END";
listen: 127.0.0.1:0
workers: 1
libraries: { edit: $edit }
routes:
  - { match: /a, handler: ./a.so }
  - { match: /b, handler: ./b.so }
  - { match: /never, filters: [{ edit: { files: [$folder/a.so, $folder/b.so, $folder/late.so] } }], handler: hello }
  - { match: /late, handler: ./late.so }
END
my $flexilib = start_flexilib(dir => $folder, config => $config);
sub answers {
    return join ' ', map { my $body = request($flexilib, GET => "/$_")->body; chomp $body; $body } qw(a b late);
}
like($flexilib->wait_log(qr/reloading/), qr/: '\Q$folder\E\/[ab]\.so' has changed, and 1 more$/, 'what changed after it was read causes one reload');
$flexilib->wait_serving(2);
is(answers(), 'two two two', 'by which all is taken up');
write_file("$folder/a.so", $library{one});
like($flexilib->wait_log(qr/reloading|generation \d+ (?:is|failed)/), qr/: '\Q$folder\E\/a\.so' has changed$/, 'no other followed it');
$flexilib->wait_serving(3);
is(answers(), 'one two two', 'this one does');

my $result = run_command([build_folder() . '/flexilib', 'rollback', '-c', 'flexilib.yaml'], dir => $folder);
is($result->{status}, 0, 'a rollback goes back') or diag($result->{err});
is(answers(), 'two two two', 'to what served before');
write_file("$folder/a.so", $library{one});
utime undef, undef, "$folder/a.so";
write_file("$folder/b.so", $library{one});
like($flexilib->wait_log(qr/reloading/), qr/: '\Q$folder\E\/b\.so' has changed$/, 'what it went back from, touched, is nothing new; another file is');
$flexilib->wait_serving(5);
is(answers(), 'one one two', 'and causes everything to be read anew');

done_testing;
