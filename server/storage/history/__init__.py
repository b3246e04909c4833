"""What has happened, apart from the state: a store of its own, so that writing it down holds up nobody who signs in."""
