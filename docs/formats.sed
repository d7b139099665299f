# SPDX-License-Identifier: MIT
# What lowdown makes of docs/FORMATS.md becomes a manual page: with a name, without a title of its own.
1,/^\.LP$/ {
    /^\.TH/ a\
.SH NAME\
vidimus\\-formats \\- the bytes that vidimus signs, hashes, stores and hands out\
.SH DESCRIPTION
    /^\.TH/ !d
}
# A paragraph begins after a heading by itself.
/^\.S[HS]$/ {
    n
    n
    /^\.[LP]P$/d
}
# The font of typewriters has another name on each system.
s/\\fC/\\fB/g
