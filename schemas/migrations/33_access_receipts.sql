-- Requests for access have receipts, too: by them `headwater privacy export` knows whose rows to show.

ALTER TABLE privacy_receipts COMMENT COLUMN place 'Stage that looked: intake, matching or journeys; access: answers a request for access.';
ALTER TABLE privacy_receipts COMMENT COLUMN subject_type 'Type of the subject: that of the identity, device, account, install_id or booking.';
ALTER TABLE privacy_receipts COMMENT COLUMN result 'looked_up: matching or journeys answer; cannot_be_matched; found; nothing_found; already_erased, by an earlier request; linked, with a key of who asks for access; or shared, by so many installs that nothing is given out by the key.';
