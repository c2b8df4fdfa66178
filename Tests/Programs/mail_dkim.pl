#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
#     mail_dkim.pl verify NAMES                      NAMES: lines of a name, a space and its TXT record
#     mail_dkim.pl sign METHOD DOMAIN SELECTOR KEY   METHOD: as behind c= in a signature
#
# What Perl's Mail::DKIM says of the files that standard input names, a line for each; or FILE.signed, with its RSA signature.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;

package Record {
    sub type { 'TXT' }
    sub txtdata { $_[0]{text} }
}

sub octets {
    open my $file, '<:raw', $_[0] or die "$_[0]: $!";
    local $/;
    return scalar <$file>;
}

my ($mode, @words) = @ARGV;
my %records = $mode eq 'verify' ? map { split / /, $_, 2 } split /\n/, octets($words[0]) : ();
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub { map { bless { text => $_ }, 'Record' } grep { defined } $records{lc $_[0]} };
}
$| = 1;
# It has some for what is broken.
$SIG{__WARN__} = sub { };
while (my $path = <STDIN>) {
    chomp $path;
    my $octets = octets($path);
    if ($mode eq 'sign') {
        my ($method, $domain, $selector, $key) = @words;
        my $signer = Mail::DKIM::Signer->new(
            Algorithm => 'rsa-sha256', Method => $method, Domain => $domain, Selector => $selector, KeyFile => $key);
        $signer->PRINT($octets);
        $signer->CLOSE;
        open my $file, '>:raw', "$path.signed" or die "$path.signed: $!";
        print $file $signer->signature->as_string, "\r\n", $octets;
        close $file or die "$path.signed: $!";
    } else {
        my $verifier = Mail::DKIM::Verifier->new;
        $verifier->PRINT($octets);
        $verifier->CLOSE;
        print $verifier->result_detail, "\n";
    }
}
