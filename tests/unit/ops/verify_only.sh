#!/bin/sh
# SPDX-License-Identifier: MIT
# verify_only.sh NM PROGRAM BUNDLE: the program verifies, and holds nothing that could sign.
set -eu
signing='crypto_sign_detached|crypto_sign_keypair|crypto_sign_seed_keypair|vdm_sign$|vdm_signer_(generate|load|append_note|append_signature)|vdm_signing_|vdm_secret_|vdm_writer_|vdm_import'
symbols=$("$1" "$2")
echo "$symbols" | grep -q vdm_verify_archive
echo "$symbols" | grep -q crypto_sign_verify_detached
if echo "$symbols" | grep -E "$signing"; then
	echo "$2 can sign" >&2
	exit 1
fi
# Nobody's key was given: intact, not trusted.
status=0
"$2" "$3" || status=$?
test "$status" -eq 4
