/* Time that only goes forward, and that of the calendar. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

double clock_now(void);  /* seconds since some start */
double clock_date(void); /* seconds since 1970, UTC */

#endif
