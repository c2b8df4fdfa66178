# SPDX-License-Identifier: Apache-2.0
# What users of Mail::IMAPClient do, on an INBOX of three messages.
use strict;
use warnings;
use Mail::IMAPClient;

my ($port, $ca, $user) = @ARGV;
chomp(my $password = <STDIN>);
my $imap = Mail::IMAPClient->new(
    Server => 'localhost', Port => $port, Ssl => [SSL_ca_file => $ca], User => $user, Password => $password, Uid => 1,
) or die "connect: $@";

sub is { my ($got, $expected) = @_; $got eq $expected or die "got $got, expected $expected"; }
sub ok { my ($result) = @_; defined $result or die $imap->LastError; return $result; }

is(scalar(grep { $_ eq 'INBOX' } $imap->folders), 1);
ok($imap->create('Perl'));
ok($imap->select('INBOX'));
my @messages = $imap->messages;
is(scalar(@messages), 3);
is($imap->subject($messages[0]), 'no. 1');
is(ok($imap->append_string('Perl', "Subject: mine\r\n\r\nbody\r\n")), 1);
ok($imap->copy('Perl', $messages[0]));
ok($imap->move('Perl', $messages[1]));
ok($imap->expunge);
ok($imap->set_flag('Flagged', $messages[2]));
is(join(',', $imap->search('FLAGGED')), $messages[2]);
is(join(',', grep { /Flagged/ } $imap->flags($messages[2])), '\Flagged');
is($imap->get_bodystructure($messages[2])->bodytype, 'TEXT');
my @left = $imap->messages;
is(scalar(@left), 2);
ok($imap->select('Perl'));
is($imap->message_count, 3);
ok($imap->close);
ok($imap->delete('Perl'));
ok($imap->logout);
print "done\n";
