"""Details: conversations and users in whole days, by pages or by async job."""
