"""What every platform's transport needs: storing what came, sending what is owed once, files, addresses, quiet logs."""
