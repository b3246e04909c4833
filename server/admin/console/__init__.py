"""The administration for browsers: pages made from what server/admin declares, for whoever signed in with a passkey."""
