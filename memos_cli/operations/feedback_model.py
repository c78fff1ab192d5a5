"""x"""
def reconsidered(session, text, scope, findings):
    return findings
