package FlexiLib::Test::Program;

# A copy of the program at a place of its own, which can be replaced by others: by the same under another version, and by
# what is wrong in many ways.

use strict;
use warnings;

use FlexiLib::Test::Wait qw(build_folder);

# install(PATH): puts the program that was built there.
sub install {
    my ($class, $path) = @_;
    my $self = bless { path => $path, image => FlexiLib::Test::read_file(build_folder() . '/flexilib') }, $class;
    ($self->{version}) = FlexiLib::Test::run_command([build_folder() . '/flexilib', '--version'])->{out} =~ /^flexilib (\S+)$/
        or die 'the program does not tell its version';
    $self->{last} = $self->{version};
    $self->replace;
    return $self;
}

sub image   { return $_[0]{image} }
sub path    { return $_[0]{path} }
sub version { return $_[0]{version} }

# Another version each time, as long as the real one.
sub next_version {
    my ($self) = @_;
    my ($first, $rest) = $self->{last} =~ /^(\d)(.*)$/s;
    return $self->{last} = ($first + 1) % 10 . $rest;
}

# replace(version => TEXT, text => [FROM, TO], bytes => SUB, content => BYTES, mode => 0755): puts another file there, in
# one step: the program under another version, with a text replaced, changed by a function, or any bytes at all.
sub replace {
    my ($self, %option) = @_;
    my $image = $option{content} // $self->{image};
    $image = patch($image, "\x{00}$self->{version}\x{00}", "\x{00}$option{version}\x{00}") if defined $option{version};
    $image = patch($image, @{ $option{text} })                                           if defined $option{text};
    $image = $option{bytes}->($image)                                                    if defined $option{bytes};
    FlexiLib::Test::write_file("$self->{path}.new", $image);
    chmod $option{mode} // 0755, "$self->{path}.new";
    rename "$self->{path}.new", $self->{path} or die "cannot rename $self->{path}: $!";
    return;
}

sub patch {
    my ($image, $from, $to) = @_;
    die 'a text is replaced by one of its length' if length $from != length $to;
    my $count = $image =~ s/\Q$from\E/$to/g;
    die "'$from' stands nowhere in the program" if !$count;
    return $image;
}

# Where in the file the first instruction stands that a program executes.
sub entry_offset {
    my ($image) = @_;
    my ($entry, $table) = unpack 'x24 Q Q', $image;
    my ($size, $count) = unpack 'x54 S S', $image;
    for my $number (0 .. $count - 1) {
        my ($type, $flags, $offset, $address, undef, $length) = unpack 'L L Q Q Q Q', substr $image, $table + $number * $size, 40;
        return $entry - $address + $offset if $type == 1 && $entry >= $address && $entry < $address + $length;
    }
    die 'the program has no entry';
}

# Puts an instruction where the program begins: one that jumps to itself, or one that is none.
sub hanging  { return with_instruction($_[0], { x86_64 => "\xeb\xfe", aarch64 => "\x00\x00\x00\x14" }) }
sub crashing { return with_instruction($_[0], { x86_64 => "\x0f\x0b", aarch64 => "\x00\x00\x00\x00" }) }

sub with_instruction {
    my ($image, $by_machine) = @_;
    require POSIX;
    my $code = $by_machine->{ (POSIX::uname())[4] } // return;
    substr $image, entry_offset($image), length $code, $code;
    return $image;
}

1;
