package FlexiLib::Test::Certificates;

# An authority of the test's own and the certificates that it issues, made by openssl in a folder.
#
#   my $authority = FlexiLib::Test::Certificates->new(make_folder());
#   $authority->issue('shop', 'DNS:shop.example');    # FOLDER/shop.pem and FOLDER/shop.key; days => 0 has expired
#   $authority->path;                                 # FOLDER/ca.pem

use strict;
use warnings;

use FlexiLib::Test::Process;

my @key = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes);

sub new {
    my ($class, $folder) = @_;
    my $self = bless { folder => $folder }, $class;
    $self->run(qw(req -x509 -days 10 -subj), '/CN=Authority of the test', @key, qw(-keyout ca.key -out ca.pem));
    return $self;
}

sub run {
    my ($self, @arguments) = @_;
    my $process = FlexiLib::Test::Process->start(dir => $self->{folder}, command => ['openssl', @arguments]);
    my $status  = $process->wait_status;
    $process->wait_streams;
    die "openssl @arguments: " . $process->text('stderr') if !defined $status || $status != 0;
    return;
}

sub path { return "$_[0]{folder}/" . ($_[1] // 'ca.pem') }

sub issue {
    my ($self, $name, $subject_names, %option) = @_;
    open my $file, '>', $self->path("$name.ext") or die "cannot write: $!";
    print {$file} "subjectAltName=$subject_names\n";
    close $file;
    $self->run(qw(req -new -subj), "/CN=$name", @key, '-keyout', "$name.key", '-out', "$name.csr");
    $self->run(qw(x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -in), "$name.csr", '-extfile', "$name.ext",
        '-days', $option{days} // 10, '-out', "$name.pem");
    return;
}

1;
