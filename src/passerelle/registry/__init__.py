"""The city's words on disk: places, series, replies, refused rows, tokens, events, changes, studies, findings."""
